/**
 * What waits for the workers of one definition, in memory: what `backend/queue/line-scripts.ts` does in Redis, in the same
 * order. It serves the queues in memory.
 */

/** One turn, in the units of `line-scripts.ts`. A new owner's turn is later than the latest one by at most 1/64 of it. */
const TURN = 1_048_576;

interface Waiting {
  readonly owner: string;
  readonly job: string;
  /** `BAND` in `line-scripts.ts`: retries first, then by priority. The lower one comes first. */
  readonly band: number;
}

export class MemoryLine {
  /** The jobs that are taken before the line: bee-queue's list. */
  #list: Omit<Waiting, 'band'>[] = [];
  /** The jobs of each owner in the line, in their order. */
  readonly #jobs = new Map<string, Waiting[]>();
  /** The turn of each owner in the line. */
  readonly #turns = new Map<string, number>();
  /** The next turn of owners who are not in the line, but were. */
  readonly #turnsOfAbsent = new Map<string, number>();
  /** The latest turn that a job was taken with, or that a new owner got. */
  #latest = 0;

  /** How many jobs wait. */
  get size(): number {
    return [...this.#jobs.values()].reduce((sum, jobs) => sum + jobs.length, this.#list.length);
  }

  /** @param band the lower ones come first; null for a job that skips the line */
  add(owner: string, job: string, band: number | null): void {
    const [first] = this.#list;
    if (band === null || (!first && this.#jobs.size === 0)) {
      this.#list.push({ owner, job });
      return;
    }
    // The list has a job, and the line is empty. The owner of that job uses a turn now, so their next one is a turn later.
    if (first && this.#jobs.size === 0) this.#turnsOfAbsent.set(first.owner, this.#latest + TURN);
    this.#join({ owner, job, band });
  }

  /** Takes the next job; null if nobody waits. */
  take(): string | null {
    return this.#list.shift()?.job ?? this.#takeFromLine();
  }

  /** Removes a job from the line, if it is there. */
  remove(owner: string, job: string): void {
    const left = this.#jobs.get(owner)?.filter((one) => one.job !== job);
    if (left) this.#jobs.set(owner, left);
    if (left?.length === 0) this.#drop(owner);
  }

  /** Removes a job from the line or the list. */
  discard(owner: string, job: string): void {
    this.#list = this.#list.filter((one) => one.job !== job);
    this.remove(owner, job);
  }

  /** How many jobs will be taken before this one. Null if it does not wait. */
  ahead(job: string): number | null {
    const copy = this.#copy();
    const order = Array.from({ length: this.size }, () => copy.take());
    return order.includes(job) ? order.indexOf(job) : null;
  }

  #join(waiting: Waiting): void {
    const { owner } = waiting;
    const jobs = this.#jobs.get(owner);
    if (jobs) {
      jobs.push(waiting);
      jobs.sort((a, b) => a.band - b.band || (a.job < b.job ? -1 : 1));
      return;
    }
    this.#latest += Math.max(Math.floor(TURN / 64 / (this.#jobs.size + 1)), 1);
    this.#turns.set(owner, Math.max(this.#latest, this.#turnsOfAbsent.get(owner) ?? 0));
    this.#turnsOfAbsent.delete(owner);
    this.#jobs.set(owner, [waiting]);
  }

  /** The next job of the owner whose turn is the earliest. */
  #takeFromLine(): string | null {
    if (this.#jobs.size === 0) return null;
    const [[owner, turn]] = [...this.#turns].sort(([a, m], [b, n]) => m - n || (a < b ? -1 : 1)) as [[string, number]];
    const jobs = this.#jobs.get(owner) ?? [];
    const job = jobs.shift()?.job ?? null;
    this.#latest = Math.max(this.#latest, turn);
    this.#turns.set(owner, turn + TURN);
    if (jobs.length === 0) {
      this.#turnsOfAbsent.set(owner, turn + TURN);
      this.#drop(owner);
    }
    return job;
  }

  #drop(owner: string): void {
    this.#jobs.delete(owner);
    this.#turns.delete(owner);
  }

  /** A copy to take jobs from. It has no turns of absent owners, which matter only where a job is added. */
  #copy(): MemoryLine {
    const copy = new MemoryLine();
    copy.#list = [...this.#list];
    for (const [owner, jobs] of this.#jobs) copy.#jobs.set(owner, [...jobs]);
    for (const [owner, turn] of this.#turns) copy.#turns.set(owner, turn);
    return copy;
  }
}
