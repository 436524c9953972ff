// The short form of `npm run chaos`: everything is killed for 40 seconds, and nobody is lied to.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';

it('every accepted task ends in an outcome that its owner is told once, whatever is killed', async () => {
  const args = [
    join(REPOSITORY, 'dev', 'run-script.mjs'),
    'test/chaos/main.ts',
    '--seconds',
    '40',
    '--tasks',
    '120',
    '--seed',
    '20',
  ];
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: REPOSITORY }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  expect(output).toContain('chaos: green (seed 20)');
}, 180_000);
