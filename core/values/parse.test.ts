// How a value is checked by a schema, and how its issues are told.
import { describe, expect, it } from '@jest/globals';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import { type AnyTaskDefinition, defineTask } from '../tasks/definition.ts';
import { parseInput, parseResult, parseWith } from './parse.ts';

const schemaOf = (issues: readonly StandardSchemaV1.Issue[]): StandardSchemaV1<unknown, string> => ({
  '~standard': { version: 1, vendor: 'test', validate: async () => ({ issues }) },
});
const input = z.object({ uploadId: z.string(), rows: z.string().transform(Number) });

describe('parseWith', () => {
  it('resolves with what the schema makes of a value', async () => {
    await expect(parseWith(input, { uploadId: 'u', rows: '3' }, 'invalid_input', 'The input')).resolves.toEqual({
      uploadId: 'u',
      rows: 3,
    });
  });

  it('says where each issue is', async () => {
    const schema = z.object({ people: z.array(z.object({ email: z.email() })), n: z.number() });
    const refused = parseWith(schema, { people: [{ email: 'a@b.de' }, { email: 'x' }] }, 'invalid_input', 'The input');
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_input',
      status: 422,
      retryable: false,
      issues: [{ path: ['people', 1, 'email'] }, { path: ['n'] }],
    });
    await expect(refused).rejects.toThrow(/^The input does not fit at people\.1\.email: /);
  });

  it('reads paths as any Standard Schema may give them: keys, segments, none', async () => {
    const issues = [
      { message: 'root' },
      { message: 'segments', path: [{ key: 'a' }, { key: 0 }, 'b'] },
      { message: 'symbol', path: [Symbol('s')] },
    ];
    await expect(parseWith(schemaOf(issues), 1, 'invalid_output', 'What came')).rejects.toMatchObject({
      message: 'What came does not fit: root',
      issues: [
        { path: [], message: 'root' },
        { path: ['a', 0, 'b'], message: 'segments' },
        { path: ['Symbol(s)'], message: 'symbol' },
      ],
    });
  });

  it('refuses even where the schema does not say why', async () => {
    await expect(parseWith(schemaOf([]), 1, 'invalid_input', 'The input')).rejects.toThrow(
      'The input does not fit: it was refused',
    );
  });
});

describe('parseWith, where issues are many', () => {
  it('tells of at most 100, with paths and messages cut, in a few kilobytes', async () => {
    const issuesOf = async (issues: readonly StandardSchemaV1.Issue[]) =>
      parseWith(schemaOf(issues), 1, 'invalid_input', 'The input').then(
        () => null,
        (error) => error.issues,
      );
    const short = await issuesOf(Array.from({ length: 60_000 }, (_, n) => ({ path: [n], message: 'no' })));
    expect(short).toHaveLength(100);
    const long = Array.from({ length: 100 }, () => ({
      path: Array(1_000).fill('k'.repeat(1_000)),
      message: 'm'.repeat(10_000),
    }));
    expect(JSON.stringify(await issuesOf(long)).length).toBeLessThan(16_384);
    expect(await issuesOf(long.slice(0, 1))).toMatchObject([{ message: `${'m'.repeat(199)}…` }]);
  });
});

describe('an input', () => {
  const parse = (schema: StandardSchemaV1, raw: unknown) => parseInput(defineTask({ name: 'any', input: schema }), raw);
  const refusal = (schema: StandardSchemaV1, raw: unknown) =>
    parse(schema, raw).then(
      () => null,
      (error) => error,
    );

  it('is what its schema makes of it, beside the raw input if that differs', async () => {
    const schema = z.object({ n: z.coerce.number(), tag: z.string().default('none') });
    expect(await parse(schema, { n: '5' })).toEqual({
      text: '{"n":5,"tag":"none"}',
      value: { n: 5, tag: 'none' },
      raw: '{"n":"5"}',
    });
    expect(await parse(schema, { n: 5, tag: 'a' })).toMatchObject({ raw: null });
    expect(await parse(z.object({ a: z.string().optional() }), { a: undefined })).toMatchObject({ text: '{}' });
  });

  it('need not be JSON if its schema makes JSON of it', async () => {
    const schema = z.object({ at: z.date().transform((date) => date.toISOString()) });
    // `raw: ''` says that the raw input does not survive JSON.
    expect(await parse(schema, { at: new Date(0) })).toMatchObject({
      text: '{"at":"1970-01-01T00:00:00.000Z"}',
      raw: '',
    });
  });

  const circular: Record<string, unknown> = {};
  circular.self = circular;
  it.each<[string, StandardSchemaV1, unknown, (string | number)[], string]>([
    ['a date', z.object({ at: z.date() }), { at: new Date(0) }, ['at'], 'at is a Date. Give its toISOString()'],
    ['a date made of a text', z.object({ at: z.coerce.date() }), { at: '2026-01-01' }, ['at'], 'at is a Date'],
    ['a map', z.map(z.string(), z.number()), new Map(), [], 'the value itself is a Map. Give Object.fromEntries(map)'],
    ['a set in a list', z.array(z.set(z.string())), [new Set()], [0], '0 is a Set'],
    ['a BigInt', z.any(), { n: 10n }, ['n'], 'n is a BigInt'],
    ['a circle', z.any(), circular, ['self'], 'self is a circular reference'],
    ['a function', z.any(), () => 1, [], 'the value itself is a function'],
    ['undefined in a list', z.any(), { list: [undefined] }, ['list', 0], 'list.0 is undefined'],
    ['nothing at all', z.any().transform(() => undefined), 1, [], 'the value itself is undefined'],
  ])('is refused by the name of the property that would be lost: %s', async (_what, schema, raw, path, words) => {
    const error = await refusal(schema, raw);
    expect(error).toMatchObject({ code: 'invalid_input', status: 422, retryable: false, issues: [{ path }] });
    expect(error.message).toContain(words);
  });

  it('never gets to its schema where it is too large or too deep', async () => {
    const asked: unknown[] = [];
    const schema = z.any().refine((value) => asked.push(value) > 0);
    // 65,537 bytes with its quotes, one more than is allowed.
    expect(await refusal(schema, 'x'.repeat(65_535))).toMatchObject({ code: 'too_large', status: 413 });
    const deep = JSON.parse(`${'['.repeat(6_000)}${']'.repeat(6_000)}`);
    const error = await refusal(schema, deep);
    expect(error).toMatchObject({ code: 'invalid_input', status: 422 });
    expect(error.message).toBe('The input is nested deeper than 256 levels. Make it flatter.');
    expect(JSON.stringify(error.issues).length).toBeLessThan(1_000);
    expect(asked).toEqual([]);
  });

  it('is also measured after its schema has transformed it', async () => {
    const schema = z.string().transform((text) => text.repeat(65_536));
    expect(await refusal(schema, 'x')).toMatchObject({ code: 'too_large', status: 413 });
  });
});

describe('a result', () => {
  const bare = defineTask({ name: 'any', input: z.any() });
  const strict = defineTask({
    name: 'strict',
    input: z.any(),
    output: z.object({ user: z.object({ n: z.number() }) }),
  });
  const refusal = (definition: AnyTaskDefinition, returned: unknown) =>
    parseResult(definition, returned).then(
      () => null,
      (error) => error,
    );

  it('is a copy as JSON has it; of a handler that returns nothing it is null', async () => {
    const returned = { user: { n: 1, gone: undefined } };
    expect(await parseResult(bare, returned)).toEqual({ user: { n: 1 } });
    expect(await parseResult(bare, returned)).not.toBe(returned);
    expect(await parseResult(bare, undefined)).toBeNull();
  });

  // The path of an issue keeps 32 keys.
  it.each([
    ['invalid_result', bare, { user: { at: new Date(0) } }, ['user', 'at']],
    ['invalid_output', strict, { user: { n: 'x' } }, ['user', 'n']],
    ['result_too_large', bare, { user: 'x'.repeat(262_144) }, []],
    ['invalid_result', bare, JSON.parse(`${'['.repeat(300)}${']'.repeat(300)}`), Array(32).fill(0)],
  ])(
    'that cannot be kept is %s: in words for the owner, with its place for the log',
    async (code, task, value, path) => {
      const error = await refusal(task, value);
      expect(error).toMatchObject({ code, retryable: false, issues: [{ path }] });
      expect(error.message).toMatch(/^The task ended, but /);
      expect(error.message).not.toContain('user');
    },
  );

  it('that makes the schema itself throw gives what it threw', async () => {
    const broken = defineTask({
      name: 'broken',
      input: z.any(),
      output: z.any().transform(() => {
        throw new Error('oops');
      }),
    });
    expect(await refusal(broken, 1)).toEqual(new Error('oops'));
  });
});
