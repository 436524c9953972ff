// The option `limits`: what it sets, and what is refused.
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineTask } from './definition.ts';
import { listStartLimits, type TaskLimits } from './task-limits.ts';

describe('limits', () => {
  it('are a list of those that are set: first those of each owner, then those of all owners together', () => {
    const limits = { overall: { startsPerMinute: 600 }, owner: { active: 5, startsPerMinute: 30 } };
    expect(listStartLimits(limits, 'import', 'limits', 'invalid_options')).toEqual([
      { kind: 'active', of: 'owner', name: 'import', max: 5 },
      { kind: 'startsPerMinute', of: 'owner', name: 'import', max: 30 },
      { kind: 'startsPerMinute', of: 'overall', name: 'import', max: 600 },
    ]);
    const input = z.string();
    expect(defineTask({ name: 'a', input }).limits).toEqual([]);
    expect(defineTask({ name: 'a', input, limits: { owner: { active: 1 } } }).limits).toHaveLength(1);
  });

  it.each<[unknown, string]>([
    [7, ' must be an object like { owner: { active: 10 }, overall: { startsPerMinute: 600 } }, got 7.'],
    [[], ' must be an object like'],
    [{ users: {} }, '.users is not known; there are owner and overall.'],
    [{ owner: 5 }, '.owner must be an object like { active: 10, startsPerMinute: 60 }, got 5.'],
    [{ owner: { max: 5 } }, '.owner.max is not known; there are active and startsPerMinute.'],
    [{ owner: { active: 0 } }, '.owner.active must be a whole number from 1 to 1000000000, got 0.'],
    [{ overall: { active: '5' } }, '.overall.active must be a whole number'],
    [
      { overall: { startsPerMinute: 100_001 } },
      '.overall.startsPerMinute must be a whole number from 1 to 100000, got',
    ],
    [{ overall: { startsPerMinute: 1.5 } }, '.overall.startsPerMinute must be'],
  ])('%j are refused', (limits, message) => {
    const define = () => defineTask({ name: 'import', input: z.string(), limits: limits as TaskLimits });
    expect(define).toThrow(`defineTask("import"): limits${message}`);
    expect(define).toThrow(expect.objectContaining({ code: 'invalid_definition' }));
  });
});
