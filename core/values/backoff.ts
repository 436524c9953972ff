/**
 * Exponential backoff with jitter: how long to wait before trying something again. Pure. Backend, server and worker use
 * {@link backoff}. The client uses {@link growingWait}, which adds fewer bytes to a page.
 */

/** How the waits grow. */
export interface BackoffPlan {
  /** The wait after the first failure, in ms. */
  readonly initial: number;
  /** How many times longer each further wait is. Default 2; 1 for a wait that stays the same. */
  readonly factor?: number;
  /** The longest wait before jitter, in ms. Default: no limit. */
  readonly max?: number;
  /**
   * The wait is multiplied by a random factor from this range. So those that failed at the same moment do not try again at
   * the same moment. Default `[0.5, 1]`.
   */
  readonly jitter?: readonly [min: number, max: number];
}

/**
 * The wait after a failure, in ms, not rounded.
 *
 * With `{ initial: 100, max: 1_000 }`:
 *
 * | failures       |   1 |   2 |   3 |   4 |     5 |     6 |
 * |----------------|-----|-----|-----|-----|-------|-------|
 * | shortest wait  |  50 | 100 | 200 | 400 |   500 |   500 |
 * | longest wait   | 100 | 200 | 400 | 800 | 1,000 | 1,000 |
 *
 * @param failures in a row, from 1
 * @param random from 0 to below 1
 */
export function backoff(failures: number, plan: BackoffPlan, random: number): number {
  const { initial, factor, max = Number.POSITIVE_INFINITY, jitter = [0.5, 1] } = plan;
  const [smallest, largest] = jitter;
  return growingWait(failures - 1, initial, max, factor) * (smallest + (largest - smallest) * random);
}

/**
 * The wait before jitter, in ms: `initial`, multiplied by `factor` each time, and at most `max`.
 * Example: `growingWait(3, 100, 1_000)` is 800.
 * @param times how often the wait has grown, from 0
 */
export function growingWait(times: number, initial: number, max: number, factor = 2): number {
  return Math.min(initial * factor ** times, max);
}
