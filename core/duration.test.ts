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
  ])('refuses %j, saying what is expected', (duration) => {
    const attempt = () => toMilliseconds(duration as Duration, 'deadline');
    expect(attempt).toThrow(/^deadline: expected milliseconds or a text like '30s', '10m' or '7d', got /);
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_duration', retryable: false }));
  });
});
