/** Which outcomes were reached while nobody looked at this page. Serves the "While you were away" summary. */

import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../core/snapshot.ts';

/** News that comes this soon after a return was made before it: the fetch takes a moment. In milliseconds. */
const RETURN_WINDOW = 3_000;

export class Absence {
  /** Ids of the outcomes reached while the user was away, until they are shown or dismissed. */
  readonly missed = new Set<string>();
  /** What had ended when the page was last looked at. */
  #ended: ReadonlySet<string> = new Set();
  #until: number | null = null;

  /** A feed has been set: nothing is known. */
  reset(): void {
    this.missed.clear();
    this.#ended = new Set();
    this.#until = null;
  }

  /** The first fetch is in: what is new in it was missed. `now` is our clock. */
  arrive(now: number): void {
    this.#until = now;
  }

  leave(tasks: readonly Snapshot[]): void {
    this.#ended = new Set(tasks.filter(isFinished).map(({ id }) => id));
  }

  comeBack(now: number): void {
    this.#until = now + RETURN_WINDOW;
  }

  /** Looks at the outcomes not seen yet. @param isOpen the panel shows them anyway */
  note(unseen: readonly OutcomeSnapshot[], isVisible: boolean, isOpen: boolean, now: number): void {
    for (const id of this.missed) if (!unseen.some((task) => task.id === id)) this.missed.delete(id);
    if (this.#until === null || !isVisible) return;
    for (const { id, seenAt } of unseen) if (!isOpen && !seenAt && !this.#ended.has(id)) this.missed.add(id);
    if (now >= this.#until) this.#until = null;
  }
}
