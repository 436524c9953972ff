/** What is stuck and why, as the operator sees it. It serves `operator/data/` and `operator/page/`. */

/**
 * Why a task, or a definition, does not go on.
 * - `no-worker`: tasks wait, and no living worker handles the definition
 * - `paused`: tasks wait, and an operator has paused the definition
 * - `line`: tasks have waited for more than a minute for a free worker
 * - `no-sign-of-life`: it runs, and its worker is gone or has given no sign of life for 30 s
 * - `blocked`: the event loop of its worker is blocked
 * - `concurrency-key`: it waits at the gate of its concurrency key; the list of what is stuck names it after a minute
 * - `children`: its handler has returned, and it has waited for its children for more than a minute
 * - `cancelling`: it was cancelled more than 30 s ago, and its handler does not stop
 * - `push-backlog`: new tasks or outcomes were stored more than a minute ago and are not known to be pushed. No task waits
 *   for it
 */
export type StuckReason =
  | 'no-worker'
  | 'paused'
  | 'line'
  | 'no-sign-of-life'
  | 'blocked'
  | 'concurrency-key'
  | 'children'
  | 'cancelling'
  | 'push-backlog';

/** Answer of `GET /api/stuck`. */
export interface StuckReport {
  /** When it was read. */
  readonly time: string;
  /** In the order of {@link StuckReason}, then by name. */
  readonly items: readonly StuckItem[];
  /** Of each definition the 200 oldest active tasks of a status are looked at. True: some had more. */
  readonly isPartial: boolean;
}

/** Something that is stuck: all tasks of one definition for one reason. */
export interface StuckItem {
  readonly reason: StuckReason;
  /** The definition; null for `push-backlog`. */
  readonly name: string | null;
  /** How many tasks, as far as was looked. */
  readonly count: number;
  /** At most 10 of them, the oldest first. */
  readonly ids: readonly string[];
  /** Since when the oldest has been stuck; null if that is not known. */
  readonly since: string | null;
  /** The workers that are concerned, at most 10: of `no-sign-of-life`, `blocked` and `cancelling`. */
  readonly workers: readonly string[];
}
