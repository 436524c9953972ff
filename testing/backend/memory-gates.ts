/**
 * The gates of concurrency keys in memory, as `backend/store/limits/gate-scripts.ts` has them in Redis. It serves the memory
 * store.
 */

import type { TaskGate } from '../../backend/store/limits/gates.ts';
import type { NewRecord } from '../../backend/store/store.ts';

/** A task that waits. */
interface Waiting {
  readonly id: string;
  readonly limit: number;
  /** Called when it goes in, to queue its job. */
  readonly onEnter: () => void;
}

interface Gate {
  /** Ids of tasks, in the order in which they went in. */
  inside: string[];
  /** In the order in which they came. */
  waiting: Waiting[];
}

/** Whether a new task may be stored (`passes`), and if not, why. */
export type GateAnswer =
  | { readonly result: 'passes'; readonly replaces: readonly string[] }
  | { readonly result: 'joined'; readonly id: string }
  | { readonly result: 'busy' };

export class MemoryGates {
  readonly #isCancelling: (id: string) => boolean;
  readonly #gates = new Map<string, Gate>();

  constructor(isCancelling: (id: string) => boolean) {
    this.#isCancelling = isCancelling;
  }

  /** Whether the task may be stored, and which others it replaces. Changes nothing. */
  ask({ snapshot, gate: of }: NewRecord): GateAnswer {
    const passes = { result: 'passes', replaces: [] } as const;
    // A task with a start time comes to its gate at that time, and then only waits.
    if (!of || snapshot.startsAt !== undefined) return passes;
    const { inside, waiting } = this.#gateOf(snapshot.name, of);
    if (inside.length + waiting.length < of.limit) return passes;
    if (of.whenBusy === 'refuse') return { result: 'busy' };
    const going = inside.filter((id) => !this.#isCancelling(id));
    if (of.whenBusy === 'join') {
      const id = going.at(-1) ?? waiting.at(-1)?.id;
      return id === undefined ? passes : { result: 'joined', id };
    }
    if (of.whenBusy === 'wait') return passes;
    const all = [...going, ...waiting.map(({ id }) => id)];
    // `whenBusy` is `replace`: the oldest go, so many that there is room for the new one.
    return { ...passes, replaces: all.slice(0, Math.max(all.length + 1 - of.limit, 0)) };
  }

  /** Whether one of these tasks is in the gate. */
  hasAny(ids: readonly string[], { snapshot, gate }: NewRecord): boolean {
    return !!gate && this.#gateOf(snapshot.name, gate).inside.some((id) => ids.includes(id));
  }

  /** A stored task comes to its gate, and goes in or waits. */
  enter(id: string, definition: string, of: TaskGate, onEnter: () => void): void {
    const gate = this.#gateOf(definition, of);
    gate.waiting.push({ id, limit: of.limit, onEnter });
    this.#fill(gate);
  }

  /** A task has ended or was removed. */
  leave(id: string): void {
    for (const gate of this.#gates.values()) {
      gate.inside = gate.inside.filter((other) => other !== id);
      gate.waiting = gate.waiting.filter((other) => other.id !== id);
      this.#fill(gate);
    }
  }

  #fill(gate: Gate): void {
    for (let [next] = gate.waiting; next && gate.inside.length < next.limit; [next] = gate.waiting) {
      gate.waiting.shift();
      gate.inside.push(next.id);
      next.onEnter();
    }
  }

  #gateOf(definition: string, { key }: TaskGate): Gate {
    const name = `${definition}:${key}`;
    const gate = this.#gates.get(name) ?? { inside: [], waiting: [] };
    this.#gates.set(name, gate);
    return gate;
  }
}
