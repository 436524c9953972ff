// The worker process of outcome-hooks.test.ts, which bundles and starts it. It notes each call of a hook in a list in Redis, so
// that the calls of a killed process stay known.
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { z } from 'zod';
import { createBackend } from '../../../../backend/backend.ts';
import { pusherFromEnv } from '../../../../backend/push/bus/pusher-env.ts';
import { TaskError } from '../../../../core/error.ts';
import { defineTask } from '../../../../core/tasks/definition.ts';
import type { OutcomeHandler } from '../../../../worker/hooks/outcome-hooks.ts';
import { createTaskWorker } from '../../../../worker/task-worker.ts';

/** How long an outcome may stay unseen, in ms. */
export const UNSEEN_AFTER_MS = 1_500;
/** The key of the list in Redis. */
export const CALLS = 'hook-calls';

/** A call of a hook. */
export interface HookCall {
  readonly hook: 'outcome' | 'unseen';
  readonly owner: string;
  readonly id: string;
  readonly status: string;
  readonly tries: number;
  readonly result: unknown;
  readonly pid: number;
}

/** Succeeds or fails, as its input says. */
export const ending = defineTask({
  name: 'ending',
  input: z.object({ how: z.enum(['well', 'badly']) }),
  attempts: 1,
});
/** Starts two tasks `ending`. */
export const pair = defineTask({ name: 'pair', input: z.object({}) });
/** Nobody handles it. */
export const orphan = defineTask({ name: 'orphan', input: z.object({}) });

async function main(): Promise<void> {
  const shutdown = new AbortController();
  process.on('SIGTERM', () => shutdown.abort());
  const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
  const notes = createClient({ url: String(process.env.REDIS_URL) });
  await notes.connect();
  // Notes the call. For some owners `onOutcome` is then in trouble: for `failing…` its first two calls throw, for `slow…` its
  // first call takes a minute.
  const note =
    (hook: HookCall['hook']): OutcomeHandler =>
    async (task, { owner, tries, signal }) => {
      const { id, status, result } = task;
      const call: HookCall = { hook, owner, id, status, tries, result, pid: process.pid };
      await notes.rPush(CALLS, JSON.stringify(call));
      if (hook === 'outcome' && owner.startsWith('failing') && tries < 3) throw new Error('not yet');
      if (hook === 'outcome' && owner.startsWith('slow') && tries === 1) await wait(60_000, undefined, { signal });
    };
  const worker = createTaskWorker({ backend, stallInterval: '500ms', drain: '200ms' })
    .onOutcome(note('outcome'))
    .onUnseen({ after: UNSEEN_AFTER_MS }, note('unseen'))
    .handle(ending, async ({ how }) => {
      if (how === 'badly') throw new TaskError('bad', 'It went badly.');
      // More than an event on the bus can carry (10 KB): a hook gets the whole result.
      return 'r'.repeat(20_000);
    })
    .handle(pair, async (_input, task) => {
      for (let n = 0; n < 2; n++) await task.start(ending, { how: 'well' });
    });
  const running = worker.run({ signal: shutdown.signal });
  await backend.redis.probeWrite();
  console.log('worker ready');
  await running;
  await backend.close();
  process.exit(0);
}

// The test imports the definitions, and starts nothing.
if (process.env.HOOK_WORKER) void main();
