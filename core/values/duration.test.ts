import { describe, expect, it } from '@jest/globals';
import { type Duration, toMilliseconds } from './duration.ts';

describe('toMilliseconds', () => {
  it.each<[Duration, number]>([
    [1, 1],
    [0.5, 0.5],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ])('%j is %d ms', (duration, ms) => {
    expect(toMilliseconds(duration)).toBe(ms);
  });

  it('refuses values that JSON cannot hold, too', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const value of [5n, circular, Symbol('x')]) {
      expect(() => toMilliseconds(value as never, 'deadline')).toThrow('deadline: expected milliseconds');
    }
  });

  it.each([
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '0s',
    '-5s',
    '',
    '10',
    '10 s',
    '10S',
    '1e3s',
    's',
    '5w',
    null,
    {},
    [],
  ])('refuses %j, saying what is expected', (duration) => {
    const attempt = () => toMilliseconds(duration as Duration, 'deadline');
    expect(attempt).toThrow(/^deadline: expected milliseconds or a text like '30s', '10m' or '7d', got /);
    expect(attempt).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'invalid_duration' }));
  });

  it('takes ten years at most', () => {
    expect(toMilliseconds('25d')).toBe(25 * 86_400_000);
    expect(toMilliseconds('3653d')).toBe(3_653 * 86_400_000);
    expect(() => toMilliseconds('3654d', 'deadline')).toThrow('deadline: expected at most ten years, got "3654d".');
    expect(() => toMilliseconds(1e300)).toThrow('expected at most ten years');
  });

  it('refuses what is outside the range of its option', () => {
    const range = { min: '500ms', max: '1h' } as const;
    expect(toMilliseconds('500ms', 'x', range)).toBe(500);
    expect(() => toMilliseconds(499, 'x', range)).toThrow('x: expected at least 500ms, got 499.');
    expect(() => toMilliseconds('61m', 'x', range)).toThrow('x: expected at most 1h, got "61m".');
  });
});
