// The tasks that both versions know. Bundled with the `inloop` of each version: server.ts and worker.ts import it.
import { type AnyTaskDefinition, defineTask } from 'inloop';
import { z } from 'zod';
import { otherThan, VERSIONS, type Version } from './versions.ts';

const version = z.enum(VERSIONS);
const by = z.object({ by: version });
/** As many attempts as a definition may have, with short waits between them: for tasks that wait for one of the versions. */
const UNTIL_TAKEN = { attempts: 100, backoff: { initial: '10ms', max: '50ms' } } as const;

/** A definition for each version. Only workers of that version handle it, as its name says: `count-on-today`. */
function forEachVersion<D>(define: (on: Version) => D): Readonly<Record<Version, D>> {
  return { earlier: define('earlier'), today: define('today') };
}

/** Takes `steps` steps of 50 ms. */
export const count = forEachVersion((on) =>
  defineTask({ name: `count-on-${on}`, input: z.object({ steps: z.number() }), output: by, browser: true }),
);

/** Goes on until it is cancelled. */
export const endless = forEachVersion((on) =>
  defineTask({ name: `endless-on-${on}`, input: z.object({}), browser: true }),
);

/** Goes on until its deadline. */
export const late = forEachVersion((on) =>
  defineTask({ name: `late-on-${on}`, input: z.object({}), deadline: '200ms', browser: true }),
);

/** Starts two tasks `count` for workers of the other version, and waits for them. */
export const family = forEachVersion((on) =>
  defineTask({ name: `family-on-${on}`, input: z.object({}), output: by, browser: true }),
);

/** Fails until it has failed in version `first`. After that it fails until the other version takes it, which ends it. */
export const changeSides = defineTask({
  name: 'change-sides',
  input: z.object({ first: version }),
  output: z.object({ by: version, failedIn: version }),
  checkpoint: z.object({ failedIn: version }),
  ...UNTIL_TAKEN,
  browser: true,
});

/** One at a time. Fails until version `on` takes it, and keeps its key meanwhile. */
export const keyed = defineTask({
  name: 'keyed',
  input: z.object({ on: version }),
  output: z.object({ by: version, from: z.number(), until: z.number() }),
  concurrency: { key: () => 'all' },
  ...UNTIL_TAKEN,
  browser: true,
});

/** Says in its note which version runs it, and goes on until it is cancelled. */
export const shared = defineTask({ name: 'shared', input: z.object({}), browser: true });

/** Takes 30 ms. */
export const quick = defineTask({ name: 'quick', input: z.object({}), output: by, browser: true });

/** Gives a checkpoint every 100 ms in its first attempt, until it is told to stop. The second attempt ends at once. */
export const held = defineTask({
  name: 'held',
  input: z.object({}),
  output: z.object({ by: version, from: version.nullable() }),
  checkpoint: z.object({ by: version, n: z.number() }),
  backoff: { initial: '10ms' },
  browser: true,
});

export const ALL: readonly AnyTaskDefinition[] = [
  ...VERSIONS.flatMap((on) => [count[on], endless[on], late[on], family[on]]),
  ...[changeSides, keyed, shared, quick, held],
];

/** The tasks that `family[on]` starts. */
export const childOf = (on: Version) => count[otherThan(on)];
