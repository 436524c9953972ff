/**
 * The tasks that run in a worker, in memory that the watchdog thread reads. It serves the heartbeat.
 *
 * The thread looks at the memory only while the event loop is blocked. A message for each start and each end of a task would
 * wake it each time: 20 to 50 µs of CPU a message, a tenth of what the worker spends on a short task.
 *
 * Each task has a slot of 48 bytes (`SLOT`). If the slots are used up, the table moves to a memory of twice the size. Only
 * that, and a name that is new, is told to the thread.
 */

import type { RunningTask } from './block-monitor.ts';

/** What stands where in a slot, in bytes from its start. */
export const SLOT = {
  bytes: 48,
  /** A double: when the task must have ended, in ms of `process.hrtime`, which threads share. Infinity: never. 0: a free slot. */
  deadline: 0,
  /** The number of the definition's name: 4 bytes. */
  name: 8,
  /** The id of the task: a UUID of 36 characters. */
  id: 12,
} as const;
const FIRST_SLOTS = 64;

export class RunningTable {
  readonly #onMoved: (memory: SharedArrayBuffer, names: readonly string[]) => void;
  readonly #names: string[] = [];
  /** By the id of a task: where its slot begins. */
  readonly #taken = new Map<string, number>();
  #free: number[] = [];
  #slots: Buffer = Buffer.alloc(0);
  #memory = new SharedArrayBuffer(0);

  /** @param onMoved is called when the tasks are in another memory, and when there is another name */
  constructor(onMoved: (memory: SharedArrayBuffer, names: readonly string[]) => void) {
    this.#onMoved = onMoved;
  }

  /** The task runs, or has another deadline, from now on. */
  set({ id, name, deadline }: RunningTask): void {
    const at = this.#taken.get(id) ?? this.#take(id);
    this.#slots.write(id, at + SLOT.id, SLOT.bytes - SLOT.id, 'latin1');
    this.#slots.writeUInt32LE(this.#numberOf(name), at + SLOT.name);
    const ends = deadline === null ? Number.POSITIVE_INFINITY : Number(process.hrtime.bigint()) / 1e6 + deadline;
    // Last, since the thread may look at any time.
    this.#slots.writeDoubleLE(ends, at + SLOT.deadline);
  }

  /** The task has ended. */
  delete(id: string): void {
    const at = this.#taken.get(id);
    if (at === undefined) return;
    this.#slots.writeDoubleLE(0, at + SLOT.deadline);
    this.#taken.delete(id);
    this.#free.push(at);
  }

  #take(id: string): number {
    if (this.#free.length === 0) this.#grow();
    const at = this.#free.pop() as number;
    this.#taken.set(id, at);
    return at;
  }

  #grow(): void {
    const before = this.#slots;
    this.#memory = new SharedArrayBuffer(Math.max(2 * before.length, FIRST_SLOTS * SLOT.bytes));
    this.#slots = Buffer.from(this.#memory);
    before.copy(this.#slots);
    for (let at = before.length; at < this.#slots.length; at += SLOT.bytes) this.#free.push(at);
    this.#onMoved(this.#memory, this.#names);
  }

  #numberOf(name: string): number {
    const known = this.#names.indexOf(name);
    if (known >= 0) return known;
    this.#names.push(name);
    this.#onMoved(this.#memory, this.#names);
    return this.#names.length - 1;
  }
}
