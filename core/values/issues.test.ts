import { describe, expect, it } from '@jest/globals';
import { cutIssues } from './issues.ts';

const bytesOf = (issues: unknown) => Buffer.byteLength(JSON.stringify(issues));

describe('the issues of an input', () => {
  it('stay as they are where they are few and short', () => {
    const issues = [{ path: ['people', 0, 'born'], message: 'is no date' }];
    expect(cutIssues(issues)).toEqual(issues);
  });

  it('have a list of keys as their path, also where the schema reports each key in an object', () => {
    const path = [{ key: 'people' }, 0, { key: Symbol('born') }];
    expect(cutIssues([{ path, message: 'x' }, { message: 'y' }])).toEqual([
      { path: ['people', 0, 'Symbol(born)'], message: 'x' },
      { path: [], message: 'y' },
    ]);
  });

  it('are at most 100, and each is short', () => {
    const long = { path: Array(50).fill('k'.repeat(500)), message: 'm'.repeat(500) };
    const [first] = cutIssues([long]);
    expect(first?.path).toHaveLength(32);
    expect(first?.path[0]).toHaveLength(100);
    expect(first?.message).toHaveLength(200);
    expect(cutIssues(Array(1_000).fill({ path: ['a'], message: 'x' }))).toHaveLength(100);
  });

  it('take at most 16 KiB together, whatever characters they hold', () => {
    const issues = Array(100).fill({ path: ['\u0001'.repeat(100)], message: '\u0001'.repeat(200) });
    // 16,384 bytes, and the commas and brackets between the issues.
    expect(bytesOf(cutIssues(issues))).toBeLessThan(17_000);
    expect(bytesOf(cutIssues(Array(100).fill({ path: [], message: '漢'.repeat(200) })))).toBeLessThan(17_000);
  });

  it.each<[string, unknown[]]>([
    ['no issue but undefined', [undefined]],
    ['no issue but a BigInt', [1n]],
    ['a path that is no list', [{ path: 7, message: 'x' }]],
    ['an issue that throws when it is read', [new Proxy({}, { get: () => Reflect.ownKeys(1 as never) })]],
  ])('keep those that come before something that is no issue: %s', (_what, broken) => {
    const good = { path: ['a'], message: 'x' };
    expect(cutIssues([good, ...broken, good] as never).slice(0, 1)).toEqual([good]);
  });
});
