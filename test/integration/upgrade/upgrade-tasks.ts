// The definitions of the upgrade test. The stores that were kept (stores/) have tasks of them, so none
// may be changed or removed.
import { z } from 'zod';
import { defineTask } from '../../../core/tasks/definition.ts';

/**
 * What the handlers of the old version (write-store.ts) did with a task. Those of the new version (upgrade.test.ts) return, except
 * that of `family`, which must not be called.
 */
const DOES = ['return', 'return-much', 'fail', 'fail-once', 'hang', 'ignore-cancel'] as const;
export type Does = (typeof DOES)[number];

const input = z.object({
  does: z.enum(DOES),
  /** As a text, so that the stored input differs from the one that came. */
  n: z.string().transform(Number),
});

/** For every state that one task can be in by itself. */
export const work = defineTask({
  name: 'work',
  input,
  output: z.object({ n: z.number(), text: z.string() }),
  checkpoint: z.object({ row: z.number() }),
  attempts: 2,
  // Long enough for the store to be read while a task waits for its next attempt.
  backoff: { initial: '10s' },
  retention: { succeeded: '2d' },
  limits: { owner: { active: 100, startsPerMinute: 100 } },
});

/** Its worker stops in the middle and hands it back. */
export const handedBack = defineTask({ name: 'handed-back', input });

/** Two of its tasks are at work in one worker, which is killed. So both are suspects. */
export const suspects = defineTask({ name: 'suspects', input });

/** One at a time. */
export const keyed = defineTask({ name: 'keyed', input, concurrency: { key: () => 'all' } });

/** Starts two tasks `work`: one that fails and one that does what the input says. */
export const family = defineTask({ name: 'family', input, onChildFailure: 'ignore' });

export const UPGRADE_TASKS = [work, handedBack, suspects, keyed, family] as const;
