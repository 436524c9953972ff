// docs/operating.md and the table of named events say the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { LINES } from '../../backend/events/log-events.ts';
import { REPOSITORY } from '../../dev/paths.ts';

const text = readFileSync(join(REPOSITORY, 'docs/operating.md'), 'utf8');

describe('docs/operating.md', () => {
  it('names every event, with its level, and no other', () => {
    const documented = text
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => {
        const [, names = '', levels = ''] = line.split('|').map((cell) => cell.trim());
        return namesIn(names).map((name, n, all) => `${name}: ${levelOf(levels, n, all.length)}`);
      });
    const known = Object.entries(LINES).map(([name, { level }]) => `${name}: ${level}`);
    expect(documented.sort()).toEqual(known.sort());
  });
});

/** `a.b.began`, `.ended` stands for a.b.began and a.b.ended. */
function namesIn(cell: string): string[] {
  const names: string[] = [];
  for (const [, name = ''] of cell.matchAll(/`([^`]+)`/g)) {
    names.push(name.startsWith('.') ? (names.at(-1) ?? '').replace(/\.[^.]+$/, name) : name);
  }
  return names;
}

function levelOf(cell: string, n: number, of: number): string | undefined {
  const levels = cell.split(', ');
  return levels.length === 1 ? levels[0] : of === levels.length ? levels[n] : undefined;
}
