// Waiting for a service to answer, with a deadline. For the supervisor and for tests.
import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from './child.ts';

const STEP_MS = 25;

/**
 * Asks `probe` until it says yes.
 *
 * @throws when the child ends first, when `deadlineMs` is over, or when `signal` aborts; the message names the service
 * and carries its last output
 */
export async function waitUntilReady(
  name: string,
  child: Child,
  probe: () => Promise<boolean>,
  { deadlineMs = 20_000, signal }: { deadlineMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await probe().catch(() => false))) {
    signal?.throwIfAborted();
    if (child.ended) throw new Error(`${name} ended (${await child.end}) before it was ready${lastWords(child)}`);
    if (Date.now() > deadline) throw new Error(`${name} was not ready after ${deadlineMs / 1000} s${lastWords(child)}`);
    await delay(STEP_MS);
  }
}

function lastWords(child: Child): string {
  const line = child.lastLines.filter((text) => text.trim() !== '').at(-1);
  return line === undefined ? '.' : `: ${line.trim()}`;
}
