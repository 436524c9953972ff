import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { printable } from './printable.ts';

const fails = () => {
  throw new Error('trap');
};
const causes = (depth: number): Error => new Error(`cause ${depth}`, depth > 0 ? { cause: causes(depth - 1) } : {});

describe('a value in a log line', () => {
  const circular: Record<string, unknown> = { list: [] };
  (circular.list as unknown[]).push(circular);
  const cyclic = new Error('outer', {});
  cyclic.cause = new Error('inner', { cause: cyclic });

  it.each<[string, unknown, unknown]>([
    ['a circle', circular, { list: ['[circular]'] }],
    ['a BigInt', { n: 10n }, { n: '10n' }],
    ['NaN', Number.NaN, 'NaN'],
    ['functions, symbols, undefined', [() => 1, Symbol('x'), undefined], ['[function]', '[symbol]', 'undefined']],
    ['a null-prototype object', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['the key __proto__', JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}')],
    [
      'a getter that throws',
      Object.defineProperty({ a: 1 }, 'b', { get: fails, enumerable: true }),
      { a: 1, b: '[unreadable]' },
    ],
    [
      'a proxy that throws on every trap',
      new Proxy({}, { get: fails, ownKeys: fails, getPrototypeOf: fails }),
      '[unreadable]',
    ],
    ['an object that is nested deep', { a: { b: { c: { d: { e: 1 } } } } }, { a: { b: { c: { d: '[object]' } } } }],
    ['a long list', Array(100).fill(0), [...Array(20).fill(0), '… 80 more']],
    [
      'what looks like a secret',
      { headers: { Authorization: 'x', 'x-api-key': 'y' }, ok: 1 },
      { headers: { Authorization: '[hidden]', 'x-api-key': '[hidden]' }, ok: 1 },
    ],
    ['an error of another realm', runInNewContext('new Error("far")'), expect.stringMatching(/^Error: far/)],
    ['an error whose stack throws', Object.defineProperty(new Error('kept'), 'stack', { get: fails }), 'kept'],
    [
      'an error whose cause throws',
      Object.defineProperty(new Error('kept'), 'cause', { get: fails }),
      expect.stringMatching(/^Error: kept/),
    ],
    ['an error caused by undefined', new Error('x', { cause: undefined }), expect.stringMatching(/^Error: x/)],
    ['an error caused by a text', new Error('x', { cause: 'why' }), expect.stringMatching(/\ncaused by: why$/)],
    ['causes in a circle', cyclic, expect.stringMatching(/caused by: Error: inner[\s\S]*caused by: Error: outer/)],
  ])('%s becomes plain, readable data', (_what, value, expected) => {
    expect(printable(value)).toEqual(expected);
  });

  it('shows an error and at most four causes', () => {
    expect(String(printable(causes(50))).split('caused by').length).toBeLessThanOrEqual(5);
  });

  it('is limited in size, and is JSON, whatever the value', () => {
    const huge = {
      text: 'x'.repeat(1e6),
      list: Array(1e5).fill({ a: 'y'.repeat(1e5) }),
      error: new Error('m'.repeat(1e6)),
    };
    // At most 16,000 characters of JSON are kept, as a text. As JSON again, that is up to twice as long: its quotes are escaped.
    expect(JSON.stringify(printable(huge)).length).toBeLessThan(40_000);
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true }), (value) => {
        const text = JSON.stringify(printable(value));
        expect(JSON.stringify(JSON.parse(text))).toBe(text);
      }),
    );
  });
});
