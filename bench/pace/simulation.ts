// Replays work in simulated time. A sender tells a page how far the work is, and what the page shows is compared with the truth. No
// services run. For the part `pace`.
import { shownDone } from '../../core/tasks/pace.ts';
import type { Progress } from '../../core/tasks/snapshot.ts';
import type { Work } from './patterns.ts';

/** How far the simulated time moves at once. */
const STEP_MS = 10;
/** A page draws 50 frames a second here. */
const FRAME_MS = 20;

/** What sends the messages of one task. */
export interface Run {
  /** The handler reports its progress. */
  report(progress: Progress): void;
  /** Time has passed. @param now simulated time since the start, in ms */
  advance(now: number): Promise<void>;
  close(): void;
}

/** A way to send: starts to send the messages of one task. It calls `tell` for each message to the page. */
export type Sender = (tell: (progress: Progress | null) => void) => Run;

/** What a run has cost and shown. */
export interface PaceResult {
  /** All messages of the task. The ones that say that it is queued, and how it ended, are among them. */
  readonly messages: number;
  readonly perMinute: number;
  /**
   * How far the count on the page is off in a frame, as a share of the total (0.01: by 1 of 100 elements). `mean`, `p99` and `most` are
   * taken over all frames.
   */
  readonly mean: number;
  readonly p99: number;
  readonly most: number;
  /** The share of the frames in which the bar moved. */
  readonly moved: number;
}

/** A sender that tells every `ms` how far the task is, if that has changed. With 0 it tells each report. */
export function sendEvery(ms: number): Sender {
  return (tell) => {
    let truth: Progress | null = null;
    return {
      report(progress) {
        truth = progress;
        if (ms === 0) tell(progress);
      },
      async advance(now) {
        if (truth === null || ms === 0 || now % ms !== 0) return;
        tell(truth);
        truth = null;
      },
      close: () => undefined,
    };
  };
}

/** Runs the work once, with a page that draws what `sender` tells it. */
export async function simulate({ total, at, done, skipped }: Work, sender: Sender): Promise<PaceResult> {
  const end = at.at(-1) ?? 0;
  const errors: number[] = [];
  let now = 0;
  let told: Progress | null = null;
  let toldAt = 0;
  // Two messages have no progress: that the task is queued, and its outcome.
  let messages = 2;
  const run = sender((progress) => {
    told = progress;
    toldAt = now;
    messages += 1;
  });
  let reported = 0;
  let truth = 0;
  let bar = 0;
  let moves = 0;
  for (now = STEP_MS; now < end; now += STEP_MS) {
    for (; (at[reported] ?? end) <= now; reported++) {
      truth = Math.min(done[reported] ?? 0, total - 1);
      run.report({ done: truth, total, ...(skipped && { skipped: skipped[reported] ?? 0 }) });
    }
    await run.advance(now);
    if (now % FRAME_MS !== 0) continue;
    // A bar never goes back. It stands still until what it should show is greater.
    const shown = Math.max(bar, told === null ? 0 : shownDone(told, now - toldAt));
    if (shown > bar) moves += 1;
    bar = shown;
    errors.push(Math.abs(Math.floor(bar) - truth) / total);
  }
  run.close();
  errors.sort((a, b) => a - b);
  return {
    messages,
    perMinute: (messages / end) * 60_000,
    mean: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    p99: errors[Math.floor(errors.length * 0.99)] ?? 0,
    most: errors.at(-1) ?? 0,
    moved: moves / errors.length,
  };
}
