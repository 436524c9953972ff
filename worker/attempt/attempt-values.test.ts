// The values that go into an attempt and come out of it: inputs, results, errors, reports. No Redis, no waiting.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import type { Log } from '../../backend/log/log.ts';
import { TaskError } from '../../core/error.ts';
import { type AnyTaskDefinition, defineTask } from '../../core/tasks/definition.ts';
import type { TaskEvent } from '../../core/tasks/transition.ts';
import { toJson } from '../../core/values/json.ts';
import { anyValue } from '../../test/support/fakes/any-value.ts';
import { anyTask, runAttempt, storedUnchanged } from '../../test/support/fakes/attempt-setup.ts';
import { settled } from '../../test/support/fakes/fake-time.ts';
import { unavailable } from '../../test/support/fakes/fake-worker-ports.ts';
import { type RecordingLog, recordLog } from '../../test/support/log.ts';
import { TEST_ID } from '../../test/support/task-events.ts';

const fails = (): never => {
  throw new Error('trap');
};
const TRAPS = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set', 'defineProperty'] as const;
const anything = anyValue();
/** Makes a value when it is called. The values themselves cannot be given to fast-check: it reads them, and some throw then. */
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
/** An object with one property whose getter throws. */
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
        const { snapshot, events } = await runAttempt(async () => {
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
        const { snapshot, events } = await runAttempt((isAsync ? async () => returned : () => returned) as never);
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
        const { snapshot } = await runAttempt((_input, task) => {
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
    const { snapshot } = await runAttempt(() => fails(), { log: log as Log });
    expect(snapshot).toMatchObject({ status: 'failed', error: { code: 'internal' } });
  });

  it('that says it failed, if the store answers but cannot store the end: that is a bug of ours', async () => {
    const log = recordLog();
    const before = ({ type }: TaskEvent) => {
      if (type === 'succeed') throw new TypeError('oops');
    };
    const { snapshot } = await runAttempt(() => 1, { before, log });
    expect(snapshot).toMatchObject({ status: 'failed', error: { code: 'internal' } });
    expect(log.find('error', /could not be stored/)).toHaveLength(1);
  });

  it('that says it succeeded, even if the store is away for a moment', async () => {
    let calls = 0;
    const before = () => {
      calls += 1;
      if (calls === 1) throw unavailable();
    };
    const { snapshot } = await runAttempt(() => 1, { before });
    expect(snapshot).toMatchObject({ status: 'succeeded', result: 1 });
  });

  it('also if what the handler returns after a while cannot be kept', async () => {
    const { snapshot } = await runAttempt(async () => {
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
    ['invalid_result', anyTask, () => ({ user: { at: new Date(0) } }), ['user', 'at']],
    ['invalid_output', strict, () => ({ user: { n: 'many' } }), ['user', 'n']],
    ['result_too_large', anyTask, () => 'x'.repeat(300_000), []],
  ])(
    'of %s: words to the owner, the property to the log, and no second attempt',
    async (code, definition, handler, path) => {
      const log = recordLog();
      const { snapshot } = await runAttempt(handler as never, { definition, stored: storedUnchanged(card), log });
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
    const { snapshot } = await runAttempt(() => void calls++, {
      definition: strict,
      stored: storedUnchanged({ card: { no: '4711' } }),
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
    const { snapshot } = await runAttempt(
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
    const { snapshot } = await runAttempt(handler, { definition, stored });
    return snapshot.status === 'succeeded' ? input : snapshot.error?.code;
  };

  it('is the input that the server parsed, with its defaults', async () => {
    const stored = { input: { n: 5, tag: 'random 0.5' }, raw: { n: '5' } };
    expect(await given(stored)).toEqual(stored.input);
  });

  it('is parsed here if the server’s schema changed nothing: a newer one may add a default', async () => {
    const input = { n: 5, tag: 'a' };
    const newer = defineTask({ name: 'defaults', input: z.object({ n: z.number(), size: z.number().default(1) }) });
    expect(await given(storedUnchanged(input), newer)).toEqual({ n: 5, size: 1 });
  });

  it('is the server’s parsed input if the raw input was not JSON', async () => {
    expect(await given({ input: 'anything', raw: undefined })).toBe('anything');
  });

  it('is refused if the raw input no longer fits, even if the parsed one would', async () => {
    const newer = defineTask({ name: 'defaults', input: z.object({ n: z.number(), tag: z.string().optional() }) });
    expect(await given({ input: { n: 5 }, raw: { n: '5' } }, newer)).toBe('invalid_input');
  });
});
