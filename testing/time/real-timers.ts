/**
 * The timers of Node, whatever a test framework has put in their place. They are imported by name: `jest.useFakeTimers`,
 * `vi.useFakeTimers` and `mock.timers` of node:test replace the global functions, and not these.
 */

import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers';

const measure = performance.now.bind(performance);

/** Resolves in the next tick of the event loop: by then all promises are settled that wait for nothing but other promises. */
export function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves after `ms` of real time. */
export function realDelay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Real milliseconds, on a clock that never goes back. */
export function realElapsed(): number {
  return measure();
}

/** Whether a test framework has faked the global timers just now. */
export function areTimersFaked(): boolean {
  return globalThis.setTimeout !== setTimeout;
}
