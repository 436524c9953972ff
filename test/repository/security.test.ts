// Every line of docs/security.md that says what stops somebody names a test, and each of those tests exists.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';

const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');
const text = read('docs/security.md').replace(/\n +/g, ' ');
/** The section that says what stops whom, from its heading to the next one. */
const defences = text.split(/^## /m).find((part) => part.startsWith('Who could do what')) ?? '';
/** `path` "name of the test" */
const PROOF = /`([\w/.-]+\.ts)`\s"([^"]+)"/g;
const proofs = [...defences.matchAll(PROOF)].map(([, path = '', name = '']) => ({
  path,
  name: name.replace(/\s+/g, ' '),
}));

describe('docs/security.md', () => {
  it('names a test in each of its lines', () => {
    const lines = defences.split('\n').filter((line) => line.startsWith('- '));
    // Paragraphs that begin in bold and have no list.
    const paragraphs = defences
      .split('\n\n')
      .filter((part) => /^\*\*[^*]+\.?\*\*[^\n]*\w/.test(part) && !part.includes('\n-'));
    expect(lines.length).toBeGreaterThan(30);
    const unproved = [...lines, ...paragraphs].filter((line) => [...line.matchAll(PROOF)].length === 0);
    expect(unproved).toEqual([]);
  });

  it.each(proofs)('$path has the test "$name"', ({ path, name }) => {
    expect(existsSync(join(REPOSITORY, path))).toBe(true);
    const source = read(path);
    // An apostrophe may be written as \'.
    const isThere = [`'${name}'`, `"${name}"`, `\`${name}\``, `'${name.replaceAll("'", "\\'")}'`].some((quoted) =>
      source.includes(quoted),
    );
    expect(isThere).toBe(true);
  });
});
