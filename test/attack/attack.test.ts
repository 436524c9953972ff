// The short form of `npm run attack`: every kind of attack, less of each, and nobody gets through.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';

it('no kind of attack gets through', async () => {
  const args = [join(REPOSITORY, 'dev', 'run-script.mjs'), 'test/attack/main.ts', '--short'];
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: REPOSITORY, maxBuffer: 10_000_000 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
  expect(output).toContain('attack: green');
}, 120_000);
