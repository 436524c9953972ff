import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { delay, withDeadline } from '../backend/async.ts';
import type { Backend } from '../backend/backend.ts';
import { guardLog, type Log } from '../backend/log.ts';
import { NO_SUSPICION } from '../backend/recovery/blame.ts';
import { type AnyTaskDefinition, defineTask } from '../core/definition.ts';
import { TaskError } from '../core/error.ts';
import { toJson } from '../core/json.ts';
import { createSnapshot, type Snapshot } from '../core/snapshot.ts';
import { type TaskEvent, transition } from '../core/transition.ts';
import { type RecordingLog, recordLog } from '../test/support/log.ts';
import { Attempt } from './attempt.ts';
import type { Handler } from './context.ts';

const AT = '2026-01-01T00:00:00.000Z';
const any = defineTask({ name: 'any', input: z.any(), attempts: 1 });

interface RunOptions {
  readonly definition?: AnyTaskDefinition;
  readonly stored?: { readonly input: unknown; readonly raw: unknown };
  readonly log?: Log;
  /** Called before the store takes an event; may throw. */
  readonly before?: (event: TaskEvent) => void;
  readonly heldUp?: () => number;
}

/** Runs one attempt on a store that keeps one snapshot, as JSON, and lets core decide what an event does to it. */
async function run(handler: Handler<AnyTaskDefinition>, options: RunOptions = {}) {
  const { definition = any, log = recordLog(), stored = { input: {}, raw: {} }, before, heldUp = () => 0 } = options;
  const queued = createSnapshot({ id: 'id', name: definition.name, title: '', attempts: definition.attempts, at: AT });
  const started = transition(queued, { type: 'start', at: AT });
  if (!started.ok) throw new Error('not started');
  let snapshot: Snapshot = started.snapshot;
  const events: TaskEvent[] = [];
  const moreTime: number[] = [];
  const giveUp = new AbortController();
  const apply = async (_task: unknown, event: TaskEvent) => {
    before?.(event);
    const moved = transition(snapshot, event);
    if (!moved.ok) return { ok: false, refusal: moved.refusal, snapshot };
    snapshot = JSON.parse(JSON.stringify(moved.snapshot));
    events.push(event);
    return { ok: true, snapshot, watched: false, pushed: false };
  };
  const publisher = { askForTurn() {}, withdraw() {} };
  const clock = { iso: () => AT };
  const backend = { changes: { apply, push: () => false }, publisher, clock, log: guardLog(log) } as unknown as Backend;
  const attempt = new Attempt({
    backend,
    definition,
    handler,
    record: { snapshot, owner: 'ada', ...stored, run: 1, worker: 'w', begunAt: 0, held: null, suspicion: NO_SUSPICION },
    watched: false,
    grace: 1_000,
    giveUp: giveUp.signal,
    heldUp,
    onMoreTime: (ms) => moreTime.push(ms),
    onStuck: () => undefined,
  });
  await withDeadline(attempt.done, 1_000).finally(() => giveUp.abort());
  return { snapshot: snapshot as Snapshot, events, moreTime };
}

const same = (input: unknown) => ({ input, raw: input });

const fails = (): never => {
  throw new Error('trap');
};
const TRAPS = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set', 'defineProperty'] as const;
const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: true,
  withNullPrototype: true,
});
/** Each makes its value when it is called: fast-check looks at values, and some of these throw at that. */
type Make = () => unknown;

/** A TaskError as plain JavaScript may make or change it. */
const taskError = fc
  .record({ code: anything, message: anything, retryable: anything, status: anything, issues: anything })
  .map(
    (fields): Make =>
      () =>
        Object.assign(new TaskError('code', 'A message.'), fields),
  );
/** An object that throws in some of the ways in which one can, perhaps only from the nth time on. */
const hostile = fc
  .tuple(fc.constantFrom('plain', 'error', 'list'), fc.subarray([...TRAPS], { minLength: 1 }), fc.nat(12))
  .map(
    ([kind, traps, patience]): Make =>
      () => {
        let asked = 0;
        const target = kind === 'error' ? new TaskError('code', 'A message.') : kind === 'list' ? [1] : { a: 1 };
        const handler = Object.fromEntries(
          traps.map((trap) => [
            trap,
            (...args: unknown[]) =>
              asked++ < patience ? (Reflect[trap] as (...of: unknown[]) => unknown)(...args) : fails(),
          ]),
        );
        return new Proxy(target, handler);
      },
  );
const getter = fc
  .constantFrom('code', 'message', 'retryable', 'stack', 'cause', 'name', 'then', 'toString', 'toJSON', 'issues')
  .chain((name) =>
    fc
      .constantFrom(
        () => new TaskError('code', 'A message.'),
        () => new Error('x'),
        () => ({}),
      )
      .map(
        (make): Make =>
          () =>
            Object.defineProperty(make(), name, { get: fails, enumerable: true }),
      ),
  );
const everything = fc.oneof(
  anything.map(
    (value): Make =>
      () =>
        value,
  ),
  taskError,
  hostile,
  getter,
);

describe('an attempt ends with an event', () => {
  it('whatever its handler throws: failed within a second, in two texts', async () => {
    await fc.assert(
      fc.asyncProperty(everything, fc.boolean(), async (make, isLate) => {
        const { snapshot, events } = await run(async () => {
          if (isLate) await Promise.resolve();
          throw make();
        });
        expect(events.map(({ type }) => type)).toEqual(['fail']);
        expect(snapshot).toMatchObject({
          status: 'failed',
          error: { code: expect.any(String), message: expect.any(String), retryable: expect.any(Boolean) },
        });
      }),
      { numRuns: 500 },
    );
  });

  it('whatever its handler returns: succeeded with what JSON leaves as it is, or failed once and for all', async () => {
    await fc.assert(
      fc.asyncProperty(everything, fc.boolean(), async (make, isAsync) => {
        const returned = make();
        const { snapshot, events } = await run((isAsync ? async () => returned : () => returned) as never);
        expect(events).toHaveLength(1);
        if (snapshot.status === 'succeeded') {
          const outcome = toJson(returned ?? null, 262_144);
          // A proxy may have given something else the first time.
          if (outcome.ok) expect(snapshot.result).toEqual(JSON.parse(outcome.text));
        } else {
          expect(snapshot.status).toBe('failed');
          // `then` may throw, which is the handler's own fault and not its result's.
          if (snapshot.error?.code !== 'internal') {
            expect(snapshot.error).toMatchObject({ code: 'invalid_result', retryable: false });
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('whatever it reports on the way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(everything), async (reports) => {
        const { snapshot } = await run((_input, task) => {
          for (const make of reports) {
            const report = make();
            task.progress(report as never);
            task.progress({ done: report, total: report, note: report } as never);
            task.stage(report as never);
          }
        });
        expect(snapshot.status).toBe('succeeded');
      }),
    );
  });

  it.each<[string, Partial<Log>]>([
    ['throws', { error: fails }],
    ['rejects', { error: async () => fails() }],
    ['is not there', {}],
  ])('also where the log %s', async (_what, log) => {
    const { snapshot } = await run(() => fails(), { log: log as Log });
    expect(snapshot).toMatchObject({ status: 'failed', error: { code: 'internal' } });
  });

  it('that says it failed, where the store is there and how it ended cannot be written: that is a bug of ours', async () => {
    const log = recordLog();
    const before = ({ type }: TaskEvent) => {
      if (type === 'succeed') throw new TypeError('oops');
    };
    const { snapshot } = await run(() => 1, { before, log });
    expect(snapshot).toMatchObject({ status: 'failed', error: { code: 'internal' } });
    expect(log.find('error', /how could not be written/)).toHaveLength(1);
  });

  it('of its own, where the store is away for a moment', async () => {
    let calls = 0;
    const before = () => {
      calls += 1;
      if (calls === 1) throw new TaskError('store_unavailable', 'The store is away.', { status: 503 });
    };
    const { snapshot } = await run(() => 1, { before });
    expect(snapshot).toMatchObject({ status: 'succeeded', result: 1 });
  });

  it('also where the handler is slow to break', async () => {
    const { snapshot } = await run(async () => {
      await delay(20);
      return { n: 10n };
    });
    expect(snapshot).toMatchObject({ status: 'failed', error: { code: 'invalid_result' } });
  });
});

describe('what an attempt says', () => {
  const strict = defineTask({
    name: 'strict',
    input: z.object({ card: z.object({ number: z.string() }) }),
    output: z.object({ user: z.object({ n: z.number() }) }),
    attempts: 3,
  });
  const card = { card: { number: '4711' } };

  it.each<[string, AnyTaskDefinition, () => unknown, (string | number)[]]>([
    ['invalid_result', any, () => ({ user: { at: new Date(0) } }), ['user', 'at']],
    ['invalid_output', strict, () => ({ user: { n: 'many' } }), ['user', 'n']],
    ['result_too_large', any, () => 'x'.repeat(300_000), []],
  ])(
    'of %s: words to the owner, the property to the log, and no second attempt',
    async (code, definition, handler, path) => {
      const log = recordLog();
      const { snapshot } = await run(handler as never, { definition, stored: same(card), log });
      expect(snapshot).toMatchObject({ status: 'failed', attempt: 1, error: { code, retryable: false } });
      expect(snapshot.error?.message).not.toMatch(/user|at\b.*Date|\bn\b/);
      expect(log.lines).toMatchObject([
        { level: 'error', fields: { task: 'id', attempt: 1, code, faults: [{ path }] } },
      ]);
    },
  );

  it('of an input that a newer schema refuses: no field to the owner, its path to the log, no attempt more', async () => {
    const log = recordLog();
    let calls = 0;
    const { snapshot } = await run(() => void calls++, {
      definition: strict,
      stored: same({ card: { no: '4711' } }),
      log,
    });
    expect(calls).toBe(0);
    expect(snapshot).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'invalid_input', retryable: false },
    });
    expect(snapshot.error?.message).toMatch(/^This task was asked for with an older version of the application/);
    expect(snapshot.error?.message).not.toMatch(/card|number/);
    expect(log.lines).toMatchObject([{ fields: { code: 'invalid_input', faults: [{ path: ['card', 'number'] }] } }]);
    expect(JSON.stringify(log.lines)).not.toContain('4711');
  });

  it('of an error of its own: nothing to the log, since the owner reads it all', async () => {
    const log: RecordingLog = recordLog();
    const { snapshot } = await run(
      () => {
        throw new TaskError('bad_file', 'Row 7 is broken.', { retryable: false });
      },
      { log },
    );
    expect(snapshot.error).toEqual({ code: 'bad_file', message: 'Row 7 is broken.', retryable: false });
    expect(log.lines).toEqual([]);
  });
});

describe('what a handler gets', () => {
  const withDefaults = defineTask({
    name: 'defaults',
    input: z.object({ n: z.coerce.number(), tag: z.string().default(() => `random ${Math.random()}`) }),
  });
  const given = async (stored: { input: unknown; raw: unknown }, definition: AnyTaskDefinition = withDefaults) => {
    let input: unknown;
    const handler = (got: unknown) => {
      input = got;
    };
    const { snapshot } = await run(handler, { definition, stored });
    return snapshot.status === 'succeeded' ? input : snapshot.error?.code;
  };

  it('is what was parsed when the task was started, defaults and all', async () => {
    const stored = { input: { n: 5, tag: 'random 0.5' }, raw: { n: '5' } };
    expect(await given(stored)).toEqual(stored.input);
  });

  it('is parsed here where the schema had nothing to change: a newer one may have a default to add', async () => {
    const input = { n: 5, tag: 'a' };
    const newer = defineTask({ name: 'defaults', input: z.object({ n: z.number(), size: z.number().default(1) }) });
    expect(await given(same(input), newer)).toEqual({ n: 5, size: 1 });
  });

  it('is what was parsed where what came was no JSON, so that there is nothing to check', async () => {
    expect(await given({ input: 'anything', raw: undefined })).toBe('anything');
  });

  it('is refused where what came no longer fits, although what was made of it would', async () => {
    const newer = defineTask({ name: 'defaults', input: z.object({ n: z.number(), tag: z.string().optional() }) });
    expect(await given({ input: { n: 5 }, raw: { n: '5' } }, newer)).toBe('invalid_input');
  });
});

describe('a handler with a deadline beside one that blocks the event loop', () => {
  const hasty = defineTask({ name: 'hasty', input: z.any(), attempts: 1, deadline: '100ms' });
  const take = (ms: number) => async (_input: unknown, task: { readonly signal: AbortSignal }) => {
    await delay(ms, task.signal);
    task.signal.throwIfAborted();
    return 'done';
  };

  it('gets the time back that was taken from it', async () => {
    let held = 50;
    const ran = run(take(150), { definition: hasty, heldUp: () => held });
    held += 90;
    const { snapshot, moreTime } = await ran;
    expect(snapshot).toMatchObject({ status: 'succeeded', result: 'done' });
    expect(moreTime).toEqual([90]);
  });

  it('gets no more than its deadline once over: it may be the one that blocks', async () => {
    let held = 0;
    const ran = run(take(60_000), { definition: hasty, heldUp: () => held });
    held += 60_000;
    const { snapshot, moreTime } = await ran;
    expect(snapshot).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
    expect(moreTime).toEqual([100]);
  });
});
