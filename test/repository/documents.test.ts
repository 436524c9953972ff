// Every file and folder that a document names in backticks exists, and so does every file that it links to.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';

/** The houses. A text in backticks that begins with one of them is a path. */
const HOUSES =
  'core|backend|server|worker|client|testing|metrics|tracing|operator|soketi|cli|demo|examples|dev|deploy|bench|test|docs';
const PATH = new RegExp(`\`((?:${HOUSES})/[\\w./-]*)\``, 'g');
const LINK = /\]\((?!https?:|#|mailto:)([^)#\s]+)/g;

const documents = [
  ...readdirSync(REPOSITORY).filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md'),
  ...readdirSync(join(REPOSITORY, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  'demo/README.md',
];

describe.each(documents)('%s', (document) => {
  const text = readFileSync(join(REPOSITORY, document), 'utf8');
  const find = (pattern: RegExp): string[] => [...text.matchAll(pattern)].flatMap(([, path]) => path ?? []);

  it('names files that exist', () => {
    expect(find(PATH).filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
  });

  it('links to files that exist', () => {
    expect(find(LINK).filter((path) => !existsSync(join(REPOSITORY, dirname(document), path)))).toEqual([]);
  });
});
