// An attempt with stand-ins for the store, the turns and the time: no Redis, no waiting.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { Events } from '../../backend/events/events.ts';
import { guardLog, type Log } from '../../backend/log.ts';
import { TaskError } from '../../core/error.ts';
import { type AnyTaskDefinition, defineTask } from '../../core/tasks/definition.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import { toJson } from '../../core/values/json.ts';
import { anyValue } from '../../test/support/fakes/any-value.ts';
import { FakeTime, settled } from '../../test/support/fakes/fake-time.ts';
import { FakeChanges, FakeTurns, startedRecord, unavailable } from '../../test/support/fakes/fake-worker-ports.ts';
import { type RecordingLog, recordLog } from '../../test/support/log.ts';
import { time as at, TEST_ID } from '../../test/support/task-events.ts';
import type { Handler, TaskContext } from '../context.ts';
import { Looks } from '../progress/looks.ts';
import { Attempt } from './attempt.ts';

const GRACE_MS = 1_000;
const any = defineTask({ name: 'any', input: z.any(), attempts: 1 });

interface Setting {
  readonly definition?: AnyTaskDefinition;
  readonly stored?: { readonly input: unknown; readonly raw: unknown };
  readonly log?: Log;
  /** Called before the store takes an event; may throw. */
  readonly before?: (event: TaskEvent) => void;
  readonly sharedBlockMs?: () => number;
  /** Chance, from 0 to below 1. */
  readonly random?: number;
}

/** Starts one attempt. */
function begin(handler: Handler<AnyTaskDefinition>, setting: Setting = {}) {
  const { definition = any, log = recordLog(), stored, before, sharedBlockMs = () => 0, random = 0 } = setting;
  const time = new FakeTime();
  const record = startedRecord(definition, stored);
  const changes = new FakeChanges(record.snapshot);
  changes.before = before ?? null;
  const moreTime: number[] = [];
  const stuck: TaskError[] = [];
  const giveUp = new AbortController();
  let isDone = false;
  const attempt = new Attempt({
    ports: {
      changes,
      children: { create: async () => ({ result: 'refused', why: 'stale' }), announce: () => undefined },
      turns: new FakeTurns(time),
      looks: new Looks(time),
      accuracy: 0.01,
      clock: { iso: (ms = 0) => at((time.elapsed() + ms) / 1_000) },
      time,
      events: new Events(guardLog(log)),
      random: () => random,
    },
    definition,
    handler,
    record,
    watched: false,
    grace: GRACE_MS,
    giveUp: giveUp.signal,
    sharedBlockMs,
    onMoreTime: (ms) => moreTime.push(ms),
    onStuck: (error) => stuck.push(error),
  });
  void attempt.done.then(() => {
    isDone = true;
  });
  return {
    ...{ attempt, changes, time, moreTime, stuck, giveUp },
    get isDone() {
      return isDone;
    },
    get snapshot() {
      return changes.snapshot;
    },
  };
}

/** Runs one attempt to its end, which comes within 10 s. */
async function run(handler: Handler<AnyTaskDefinition>, setting: Setting = {}) {
  const running = begin(handler, setting);
  await settled();
  for (let steps = 0; !running.isDone && steps < 100; steps++) await running.time.advance(100);
  if (!running.isDone) throw new Error('The attempt does not end.');
  const { snapshot, moreTime, changes } = running;
  return { snapshot, moreTime, events: changes.events };
}

const same = (input: unknown) => ({ input, raw: input });

const fails = (): never => {
  throw new Error('trap');
};
const TRAPS = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set', 'defineProperty'] as const;
const anything = anyValue();
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
  it('whatever its handler throws: failed, in two texts', async () => {
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

  it('that says it failed, if the store answers but cannot store the end: that is a bug of ours', async () => {
    const log = recordLog();
    const before = ({ type }: TaskEvent) => {
      if (type === 'succeed') throw new TypeError('oops');
    };
    const { snapshot } = await run(() => 1, { before, log });
    expect(snapshot).toMatchObject({ status: 'failed', error: { code: 'internal' } });
    expect(log.find('error', /could not be stored/)).toHaveLength(1);
  });

  it('of its own, even if the store is away for a moment', async () => {
    let calls = 0;
    const before = () => {
      calls += 1;
      if (calls === 1) throw unavailable();
    };
    const { snapshot } = await run(() => 1, { before });
    expect(snapshot).toMatchObject({ status: 'succeeded', result: 1 });
  });

  it('also if the handler throws late', async () => {
    const { snapshot } = await run(async () => {
      await settled();
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
        { level: 'error', fields: { task: TEST_ID, attempt: 1, code, faults: [{ path }] } },
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

  it('is the input that the server parsed, with its defaults', async () => {
    const stored = { input: { n: 5, tag: 'random 0.5' }, raw: { n: '5' } };
    expect(await given(stored)).toEqual(stored.input);
  });

  it('is parsed here if the server’s schema changed nothing: a newer one may add a default', async () => {
    const input = { n: 5, tag: 'a' };
    const newer = defineTask({ name: 'defaults', input: z.object({ n: z.number(), size: z.number().default(1) }) });
    expect(await given(same(input), newer)).toEqual({ n: 5, size: 1 });
  });

  it('is the server’s parsed input if the raw input was not JSON', async () => {
    expect(await given({ input: 'anything', raw: undefined })).toBe('anything');
  });

  it('is refused if the raw input no longer fits, even if the parsed one would', async () => {
    const newer = defineTask({ name: 'defaults', input: z.object({ n: z.number(), tag: z.string().optional() }) });
    expect(await given({ input: { n: 5 }, raw: { n: '5' } }, newer)).toBe('invalid_input');
  });
});

/** A handler that works for so long, and stops when it is told to. */
const take = (time: () => FakeTime, ms: number) => async (_input: unknown, task: { readonly signal: AbortSignal }) => {
  await time().delay(ms, task.signal);
  task.signal.throwIfAborted();
  return 'done';
};
const hasty = defineTask({ name: 'hasty', input: z.any(), attempts: 3, deadline: '60s' });

/** One attempt of a handler that works for `ms`. */
function beginWork(ms: number, setting: Setting = {}) {
  const running: ReturnType<typeof begin> = begin((...of) => take(() => running.time, ms)(...of), setting);
  return running;
}
/** One attempt of a handler that does not look at its signal, and returns when the test says so. */
function beginDeaf(setting: Setting = {}) {
  let stop: () => void = () => undefined;
  const returned = new Promise<void>((resolve) => {
    stop = resolve;
  });
  return Object.assign(
    begin(async () => {
      await returned;
      return 'late';
    }, setting),
    { return: () => stop() },
  );
}

describe('an attempt that is told to stop', () => {
  it.each([
    ['cancelled', { status: 'cancelled' }],
    ['deadline', { status: 'failed', error: { code: 'deadline', retryable: false } }],
    ['worker_stopped', { status: 'retrying', attempt: 1 }],
  ] as const)('with %s ends so, as soon as its handler has stopped', async (reason, end) => {
    const running = beginWork(60_000);
    if (reason === 'cancelled') {
      await running.changes.apply({ owner: 'ada' }, { type: 'cancel', at: at(1) }, {});
    }
    running.attempt.stop(reason);
    await settled();
    expect(running.isDone).toBe(true);
    expect(running.snapshot).toMatchObject(end);
  });

  it('since another one has taken over writes nothing more', async () => {
    const running = beginWork(60_000);
    running.attempt.stop('stale');
    await settled();
    expect(running.isDone).toBe(true);
    expect(running.changes.events).toEqual([]);
  });

  it('goes by the first reason', async () => {
    const running = beginWork(60_000);
    running.attempt.stop('worker_stopped');
    running.attempt.stop('deadline');
    await settled();
    expect(running.snapshot.status).toBe('retrying');
  });

  it('tells its handler why', async () => {
    let context: TaskContext | undefined;
    const running = begin(async (_input, task) => {
      context = task;
      await running.time.delay(60_000, task.signal);
    });
    await settled();
    running.attempt.stop('cancelled');
    expect(context?.signal.reason).toMatchObject({ code: 'cancelled' });
  });

  it('has succeeded if its handler returns: the work is done', async () => {
    const running = beginDeaf();
    running.attempt.stop('worker_stopped');
    running.return();
    await settled();
    expect(running.snapshot).toMatchObject({ status: 'succeeded', result: 'late' });
  });

  it('is cut off after the grace: the task moves on, the slot stays taken until the handler returns', async () => {
    const running = beginDeaf();
    running.attempt.stop('deadline');
    await running.time.advance(GRACE_MS - 1);
    expect(running.snapshot.status).toBe('running');
    await running.time.advance(1);
    expect(running.snapshot).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
    expect(running.isDone).toBe(false);
    running.return();
    await settled();
    expect(running.isDone).toBe(true);
    expect(running.stuck).toEqual([]);
  });

  it('is stuck after a second grace', async () => {
    const running = beginDeaf();
    running.attempt.stop('deadline');
    await running.time.advance(2 * GRACE_MS - 1);
    expect(running.isDone).toBe(false);
    await running.time.advance(1);
    expect(running.isDone).toBe(true);
    expect(running.stuck).toMatchObject([{ code: 'handler_stuck' }]);
  });
});

describe('a store that is away when an attempt ends', () => {
  it('is asked again until it answers', async () => {
    let isAway = true;
    const running = begin(() => 1, {
      before: () => {
        if (isAway) throw unavailable();
      },
    });
    await running.time.advance(60_000);
    expect(running.isDone).toBe(false);
    isAway = false;
    await running.time.advance(250);
    expect(running.isDone).toBe(true);
    expect(running.snapshot.status).toBe('succeeded');
  });

  it('is given up on when the process must not wait any longer', async () => {
    const running = begin(() => 1, {
      before: () => {
        throw unavailable();
      },
    });
    await running.time.advance(60_000);
    running.giveUp.abort();
    await settled();
    expect(running.isDone).toBe(true);
    expect(running.snapshot.status).toBe('running');
  });
});

describe('an attempt that fails', () => {
  const patient = defineTask({
    ...{ name: 'patient', input: z.any(), attempts: 2 },
    backoff: { initial: '10s', factor: 2, max: '1h' },
  });

  it.each([
    [0, 5],
    [0.5, 7.5],
  ])('is tried again after the backoff, spread by chance: %s gives %s s', async (random, seconds) => {
    const { snapshot } = await run(() => fails(), { definition: patient, random });
    expect(snapshot).toMatchObject({ status: 'retrying', attempt: 2, expectedAt: at(seconds) });
  });
});

describe('the deadline', () => {
  it('ends an attempt, and no sooner', async () => {
    const running = beginWork(90_000, { definition: hasty });
    await running.time.advance(59_999);
    expect(running.isDone).toBe(false);
    await running.time.advance(1);
    expect(running.isDone).toBe(true);
    expect(running.snapshot).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'deadline' } });
  });

  it('is forgotten once the attempt has ended', async () => {
    let signal: AbortSignal | undefined;
    const running = begin(
      async (_input, task) => {
        signal = task.signal;
        await running.time.delay(1_000, task.signal);
      },
      { definition: hasty },
    );
    await running.time.advance(1_000);
    expect(running.snapshot.status).toBe('succeeded');
    expect(running.time.waiting).toBe(0);
    await running.time.advance(120_000);
    expect(signal?.aborted).toBe(false);
  });

  it('gives the time back that a blocked event loop took, beside other tasks', async () => {
    let blocked = 5_000;
    const running = beginWork(68_000, { definition: hasty, sharedBlockMs: () => blocked });
    blocked += 9_000;
    await running.time.advance(68_000);
    expect(running.snapshot).toMatchObject({ status: 'succeeded', result: 'done' });
    expect(running.moreTime).toEqual([9_000]);
  });

  it('gives no more than its own length back, once: this attempt may be the one that blocks', async () => {
    let blocked = 0;
    const running = beginWork(600_000, { definition: hasty, sharedBlockMs: () => blocked });
    blocked += 100_000;
    await running.time.advance(119_999);
    expect(running.isDone).toBe(false);
    blocked += 100_000;
    await running.time.advance(1);
    expect(running.snapshot).toMatchObject({ status: 'failed', error: { code: 'deadline' } });
    expect(running.moreTime).toEqual([60_000]);
  });
});
