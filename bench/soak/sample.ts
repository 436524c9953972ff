// Counts what lives in this process: memory, objects, timers, open resources, listeners. It serves the search for leaks.
import { EventEmitter, getEventListeners } from 'node:events';
import { queryObjects } from 'node:v8';
import { heapInUse } from '../measure/heap.ts';

/**
 * An object that lives as long as the process. Its listeners are counted: a leak adds some with each task or user. Of an EventTarget
 * only those for `abort` are counted, since all that are given here are abort signals.
 */
export type LongLived = EventEmitter | EventTarget;

/** What a process holds at one moment, after a garbage collection. */
export interface Sample {
  /** Bytes of the heap, and of the buffers outside of it. */
  readonly bytes: number;
  /** All JavaScript objects. A function, a promise, a map, and each of the map's values that is an object, count as one each. */
  readonly objects: number;
  /** Timers that will fire, also those that do not keep the process alive. */
  readonly timers: number;
  /** Listeners of the long-lived objects. */
  readonly listeners: number;
  /** What keeps the process alive, by kind: sockets, requests to the system. Timers are counted above. */
  readonly resources: Readonly<Record<string, number>>;
}

const probe = setTimeout(() => undefined, 0);
clearTimeout(probe);
const Timeout = probe.constructor;

/** Takes a sample. It blocks the process for some 100 ms. */
export function takeSample(longLived: readonly LongLived[]): Sample {
  const bytes = heapInUse() + process.memoryUsage().external;
  return {
    bytes,
    objects: countOf(Object),
    timers: countTimers(),
    listeners: longLived.reduce((sum, one) => sum + listenersOf(one), 0),
    resources: countResources(),
  };
}

// biome-ignore lint/complexity/noBannedTypes: what made the objects, as `queryObjects` takes it
function countOf(made: Function): number {
  return Number(queryObjects(made));
}

/** Leaves out timers that have fired or were stopped: the code that started one may hold it until it starts the next. */
function countTimers(): number {
  const timers = queryObjects(Timeout, { format: 'summary' });
  return timers.filter((timer) => timer.includes('_destroyed: false')).length;
}

function listenersOf(one: LongLived): number {
  if (one instanceof EventEmitter) return one.eventNames().reduce((sum, name) => sum + one.listenerCount(name), 0);
  return getEventListeners(one, 'abort').length;
}

function countResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    // Timers come and go while the process rests. `Sample.timers` counts them.
    if (kind !== 'Timeout' && kind !== 'Immediate') counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
