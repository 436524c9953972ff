// The short form of `npm run chaos`: for 36 seconds parts are killed at random; afterwards no outcome is lost or wrong.
import { expect, it } from '@jest/globals';
import { runScript } from '../support/processes/run-script.ts';

it('every accepted task ends in an outcome that its owner is told once, whatever is killed', async () => {
  const output = await runScript('test/chaos/main.ts', ['--seconds', '36', '--tasks', '120', '--seed', '20']);
  expect(output).toContain('chaos: green (seed 20)');
}, 180_000);
