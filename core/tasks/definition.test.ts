// What `defineTask` takes and refuses, with which words, and the types that it infers.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ConfigError } from '../config-error.ts';
import type { NotJson } from '../values/json-types.ts';
import {
  defineTask,
  type InputOf,
  type ParsedInputOf,
  type ResultOf,
  type ReturnOf,
  type StageOf,
  type TaskDefinition,
  type TaskOptions,
} from './definition.ts';
import type { Snapshot } from './snapshot.ts';

const input = z.object({ uploadId: z.string(), rows: z.string().transform(Number) });
const output = z.object({ imported: z.number(), at: z.date().transform((date) => date.toISOString()) });

const full = defineTask({
  name: 'import-contacts',
  input,
  output,
  title: (parsed) => `Import of ${parsed.rows.toFixed(0)} rows`,
  stages: { read: 1, save: 9 },
  attempts: 5,
  backoff: { initial: '2s', factor: 3, max: '1m' },
  deadline: '10m',
  browser: true,
});
type Retention = NonNullable<TaskOptions<'ping', typeof input, typeof input, never>['retention']>;
const bare = defineTask({ name: 'ping', input: z.object({}) });

describe('defineTask', () => {
  it('fills in defaults', () => {
    expect(bare).toMatchObject({
      name: 'ping',
      output: null,
      stages: {},
      attempts: 3,
      backoff: { initial: 1_000, factor: 2, max: 300_000 },
      deadline: null,
      retention: null,
      browser: false,
    });
    expect(bare.titleOf({})).toBe('ping');
  });

  it('keeps what it is given, durations in milliseconds', () => {
    expect(full).toMatchObject({
      attempts: 5,
      backoff: { initial: 2_000, factor: 3, max: 60_000 },
      deadline: 600_000,
      browser: true,
      stages: { read: 1, save: 9 },
    });
    expect(full.titleOf({ uploadId: 'u', rows: 3 })).toBe('Import of 3 rows');
  });

  it('keeps each outcome as long as it is told to', () => {
    const retentionOf = (retention: Retention) => defineTask({ name: 'ping', input, retention }).retention;
    expect(retentionOf('1h')).toEqual({ succeeded: 3_600_000, failed: 3_600_000, cancelled: 3_600_000 });
    expect(retentionOf({ failed: '7d' })).toEqual({ failed: 604_800_000 });
    expect(retentionOf({ succeeded: '1h', failed: undefined } as unknown as Retention)).toEqual({
      succeeded: 3_600_000,
    });
  });

  it('has a title for every task, cut to what a snapshot holds', () => {
    const titled = (title: string | (() => string)) => defineTask({ name: 'ping', input, title }).titleOf({});
    expect(titled('Ping')).toBe('Ping');
    expect(titled('x'.repeat(300))).toHaveLength(200);
    expect(titled(() => 'x'.repeat(300))).toHaveLength(200);
    expect(titled(() => '')).toBe('ping');
    expect(titled(() => 7 as unknown as string)).toBe('ping');
    expect(
      titled(() => {
        throw new Error('no title');
      }),
    ).toBe('ping');
  });

  const valid = { name: 'ping', input };
  it.each([
    [{ name: 'Import Contacts' }, 'name must be lower-case words with hyphens'],
    [{ name: '' }, 'name must be lower-case words with hyphens'],
    [{ name: '-ping' }, 'name must be lower-case words with hyphens'],
    [{ name: 'a--b' }, 'name must be lower-case words with hyphens'],
    [{ name: 'x'.repeat(65) }, 'at most 64 characters'],
    [{ name: 7 }, 'name must be lower-case words with hyphens'],
    [{ name: 7n }, 'name must be lower-case words with hyphens'],
    [{ input: undefined }, 'input must be a Standard Schema'],
    [{ input: { type: 'object' } }, 'input must be a Standard Schema'],
    [{ output: z.object }, 'output must be a Standard Schema'],
    [{ attempts: 0 }, 'attempts must be a whole number from 1 to 100, got 0.'],
    [{ attempts: 101 }, 'attempts must be a whole number from 1 to 100, got 101.'],
    [{ attempts: 1.5 }, 'attempts must be a whole number from 1 to 100, got 1.5.'],
    [{ attempts: '3' }, 'attempts must be a whole number from 1 to 100, got "3".'],
    [{ attempts: 3n }, 'attempts must be a whole number from 1 to 100, got a BigInt.'],
    [{ stages: { read: 0 } }, 'stage read must weigh more than 0, got 0.'],
    [{ stages: { read: Number.NaN } }, 'stage read must weigh more than 0, got NaN.'],
    [{ stages: { ['s'.repeat(65)]: 1 } }, 'must have a name of 1 to 64 characters'],
    [{ stages: { '': 1 } }, 'must have a name of 1 to 64 characters'],
    [{ backoff: { factor: 0.5 } }, 'backoff.factor must be 1 or more, got 0.5.'],
    [{ backoff: { initial: 'soon' } }, "backoff.initial: expected milliseconds or a text like '30s'"],
    [{ backoff: { factor: '2' } }, 'backoff.factor must be 1 or more, got "2".'],
    [{ backoff: '2s' }, `backoff must be an object like { initial: '1s', factor: 2 }, got "2s".`],
    [{ stages: ['read'] }, 'stages must be an object like { read: 1, save: 9 }, got a list.'],
    [{ title: 7 }, 'title must be a text, or a function that makes one of the input, got 7.'],
    [{ browser: 'yes' }, 'browser must be true or false, got "yes".'],
    [{ deadline: '3654d' }, 'deadline: expected at most ten years, got "3654d".'],
    [{ retention: 'for ever' }, "retention: expected milliseconds or a text like '30s'"],
    [{ retention: { failed: 0 } }, "retention.failed: expected milliseconds or a text like '30s'"],
    [{ retention: { done: '1d' } }, "retention: expected a duration like '7d', or one for outcomes"],
    [{ retention: null }, "retention: expected a duration like '7d', or one for outcomes"],
    [{ backoff: { max: 1e15 } }, 'backoff.max: expected at most ten years, got 1000000000000000.'],
    [{ backoff: { max: 0 } }, "backoff.max: expected milliseconds or a text like '30s'"],
    [
      { deadline: '10 minutes' },
      `deadline: expected milliseconds or a text like '30s', '10m' or '7d', got "10 minutes".`,
    ],
  ])('refuses %j, saying what is wrong', (over, message) => {
    const attempt = () => defineTask({ ...valid, ...over } as typeof valid);
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(/^defineTask\(/);
    expect(attempt).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^invalid_(definition|duration)$/) }),
    );
  });

  it.each([undefined, null, 'ping'])('refuses %j in place of options', (options) => {
    expect(() => defineTask(options as never)).toThrow('defineTask: expected an object like { name, input, … }, got ');
  });

  it('takes durations of up to ten years', () => {
    expect(defineTask({ ...valid, deadline: '3653d', backoff: { max: '25d' } })).toMatchObject({
      deadline: 3_653 * 86_400_000,
      backoff: { max: 2_160_000_000 },
    });
  });
});

// What the compiler must know. `npm run check` is what runs these; at run time they only have to load.
/** `true` if A and B are the very same type, `false` if one is only assignable to the other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only for a type that is `true`. */
const holds = <_ extends true>() => undefined;

describe('the types of a definition', () => {
  it('are inferred from its options', () => {
    type Full = typeof full;
    holds<Same<Full['name'], 'import-contacts'>>();
    holds<Same<InputOf<Full>, { uploadId: string; rows: string }>>();
    holds<Same<ParsedInputOf<Full>, { uploadId: string; rows: number }>>();
    holds<Same<ReturnOf<Full>, { imported: number; at: Date }>>();
    holds<Same<ResultOf<Full>, { imported: number; at: string }>>();
    holds<Same<StageOf<Full>, 'read' | 'save'>>();
    holds<Same<(typeof full)['stages'], Readonly<Record<'read' | 'save', number>>>>();
  });

  it('are unknown or never for options that are left out', () => {
    type Bare = typeof bare;
    holds<Same<Bare['name'], 'ping'>>();
    holds<Same<ReturnOf<Bare>, unknown>>();
    holds<Same<ResultOf<Bare>, unknown>>();
    holds<Same<StageOf<Bare>, never>>();
  });

  it('say of inputs and results what JSON leaves of them', () => {
    const dated = defineTask({
      name: 'dated',
      input: z.object({ born: z.coerce.date() }),
      output: z.object({ at: z.date(), by: z.map(z.string(), z.number()), n: z.bigint(), note: z.string().optional() }),
    });
    type Result = ResultOf<typeof dated>;
    holds<Same<Result['note'], string | undefined>>();
    holds<Same<Result['at'], NotJson<'Give a Date as its toISOString()'>>>();
    holds<Same<Result['by'], NotJson<'Give a Map as Object.fromEntries(map)'>>>();
    const wrong = (input: ParsedInputOf<typeof dated>, result: Result) => {
      // @ts-expect-error no Date is stored, so none is handed to the handler
      input.born.toISOString();
      // @ts-expect-error the page would get a text
      result.at.toISOString();
      // @ts-expect-error the page would get an empty object
      result.by.get('ada');
      // @ts-expect-error a BigInt has no JSON
      return result.n + 1n;
    };
    expect(wrong).toBeInstanceOf(Function);

    const silent = defineTask({ name: 'silent', input: z.object({}), output: z.void() });
    holds<Same<ResultOf<typeof silent>, null>>();
  });

  it('fit a function that takes any definition', () => {
    const all: readonly TaskDefinition[] = [bare];
    expect(all).toHaveLength(1);
    holds<Same<InputOf<string>, never>>();
    holds<Same<StageOf<7>, never>>();
  });

  it('refuse wrong use', () => {
    const wrong = () => {
      // @ts-expect-error a definition has an input
      defineTask({ name: 'ping' });
      // @ts-expect-error an input is a schema
      defineTask({ name: 'ping', input: { rows: 'number' } });
      // @ts-expect-error a title is made of the parsed input
      defineTask({ name: 'ping', input, title: (parsed) => parsed.filename });
      // @ts-expect-error a title is made of what is stored, and no Date is
      defineTask({ name: 'ping', input: z.object({ at: z.date() }), title: ({ at }) => at.toISOString() });
      // @ts-expect-error stages have weights
      defineTask({ name: 'ping', input, stages: ['read', 'save'] });
      // @ts-expect-error a deadline has a unit
      defineTask({ name: 'ping', input, deadline: '10 minutes' });
      // @ts-expect-error attempts is a number
      defineTask({ name: 'ping', input, attempts: '3' });
      // @ts-expect-error there is no such option
      defineTask({ name: 'ping', input, retries: 3 });
      // @ts-expect-error the input before the schema, not after it
      const before: InputOf<typeof full> = { uploadId: 'u', rows: 3 };
      // @ts-expect-error there is no such stage
      const stage: StageOf<typeof full> = 'write';
      return [before, stage];
    };
    expect(wrong).toThrow();
  });
});

describe('the types of a snapshot', () => {
  it('narrow by status', () => {
    const read = (task: Snapshot<{ imported: number }>) => {
      // @ts-expect-error only a task that has ended may have a result
      const early: number = task.result.imported;
      if (task.status === 'succeeded') {
        holds<Same<typeof task.result, { imported: number } | null>>();
        holds<Same<typeof task.error, null>>();
      } else if (task.status === 'failed') {
        holds<Same<typeof task.result, null>>();
        holds<Same<(typeof task.error)['code'], string>>();
      } else if (task.status === 'queued') {
        holds<Same<typeof task.progress, null>>();
        holds<Same<typeof task.startedAt, null>>();
      } else if (task.status === 'running') {
        holds<Same<typeof task.startedAt, string>>();
        // @ts-expect-error it has not ended
        const end: string = task.finishedAt;
        return end;
      }
      // @ts-expect-error a snapshot is never changed
      task.revision = 2;
      return early;
    };
    expect(read).toBeInstanceOf(Function);
  });
});
