// The short form of `npm run chaos`: everything is killed for 40 seconds, and nobody is lied to.
import { expect, it } from '@jest/globals';
import { runScript } from '../support/run-script.ts';

it('every accepted task ends in an outcome that its owner is told once, whatever is killed', async () => {
  const output = await runScript('test/chaos/main.ts', ['--seconds', '40', '--tasks', '120', '--seed', '20']);
  expect(output).toContain('chaos: green (seed 20)');
}, 180_000);
