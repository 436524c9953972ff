// docs/commands.md prints what the commands print.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';

const read = (file: string) => readFileSync(join(REPOSITORY, file), 'utf8');

it.each(['dev', 'doctor', 'soketi'])('the usage of inloop %s is that of its source', (name) => {
  const usage = /const USAGE = `([^`]*)`/.exec(read(`cli/${name}/${name}.ts`))?.[1];
  expect(usage).toMatch(/^Usage: inloop /);
  expect(read('docs/commands.md')).toContain(`\n\`\`\`\n${usage}\n\`\`\`\n`);
});

it('every command for people has a section', () => {
  const [, usage = ''] = /const USAGE = `([^`]*)`/.exec(read('cli/main.ts')) ?? [];
  const names = [...usage.matchAll(/^ {2}([a-z]+) .*/gm)].map(([, name]) => name);
  const sections = [...read('docs/commands.md').matchAll(/^## npx inloop ([a-z]+)$/gm)].map(([, name]) => name);
  // The last line of the usage begins with `inloop`, which is no command.
  expect(sections).toEqual(names.filter((name) => name !== 'inloop'));
});
