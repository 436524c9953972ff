import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cpuMsOf } from '../../test/support/cpu-time.ts';
import { guardFormulas, unguardFormulas } from './formulas.ts';

/** Texts of what matters here, in any order. */
const hostile = fc
  .array(fc.constantFrom('=', '+', '-', '@', '＝', "'", '"', ';', ',', '|', '\t', '\n', '\r', ' ', 'a', '1'), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));

describe('a value of a stranger in a CSV', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['Ada;=1+1', "Ada;'=1+1"],
    ['Ada\n=1+1', "Ada\n'=1+1"],
    [' \u00a0=1+1', " \u00a0'=1+1"],
    ['a;"=1+1"', `a;"'=1+1"`],
    ["'=1+1", "''=1+1"],
    ['＝1+1', "'＝1+1"],
    ["Anna-Lena O'Neil, 1+1", "Anna-Lena O'Neil, 1+1"],
  ])('%j becomes %j', (value, guarded) => {
    expect(guardFormulas(value)).toBe(guarded);
  });

  it('begins no formula, wherever a program splits it, and comes back as it was', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const guarded = guardFormulas(value);
        const isFormula = guarded.split(/[\t\n\r",;|]/).some((cell) => /^[=+\-@＝＋－＠]/.test(cell.trimStart()));
        return !isFormula && unguardFormulas(guarded) === value;
      }),
      { numRuns: 2_000 },
    );
  });

  it('is guarded at once, however hostile it is', () => {
    const spent = cpuMsOf(() => {
      for (const text of ["'", ' ', '\t', ';', '=', '"', ";' "]) unguardFormulas(guardFormulas(text.repeat(65_536)));
    });
    expect(spent).toBeLessThan(1_000);
  });
});
