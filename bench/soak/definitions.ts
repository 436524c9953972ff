// The task definitions of the soak run. Their tasks end in every way, and use all that could leave something behind.
import { z } from 'zod';
import { defineTask } from '../../core/tasks/definition.ts';

/**
 * What a task of `work` does:
 * - `succeeds`: reports, stores checkpoints, returns a result
 * - `fails`: fails in its first attempt, and is not tried again
 * - `retries`: fails once, then succeeds
 * - `waits`: runs until it is cancelled
 * - `parent`: starts two children and waits for them
 */
export const KINDS = ['succeeds', 'fails', 'retries', 'waits', 'parent'] as const;
export type Kind = (typeof KINDS)[number];

const backoff = { initial: '20ms', max: '50ms' } as const;

/** The handler does what `kind` says (worker-half.ts). */
export const work = defineTask({
  name: 'work',
  input: z.object({ kind: z.enum(KINDS), n: z.int() }),
  title: ({ kind, n }) => `${kind} ${n}`,
  stages: { read: 1, save: 2 },
  attempts: 3,
  deadline: '1m',
  backoff,
  browser: true,
});

/** At most two with the same key are at work. */
export const keyed = defineTask({
  name: 'keyed',
  input: z.object({ n: z.int() }),
  concurrency: { key: ({ n }) => `key ${n % 5}`, limit: 2 },
  backoff,
  browser: true,
});

/** What tasks of the kind `parent` start. */
export const child = defineTask({ name: 'child', input: z.object({ n: z.int() }), backoff });
