// The short form of `npm run attack`: every kind of attack with fewer attempts. None may succeed.
import { expect, it } from '@jest/globals';
import { runScript } from '../support/processes/run-script.ts';

it('no kind of attack gets through', async () => {
  expect(await runScript('test/attack/main.ts', ['--short'])).toContain('attack: green');
  // The script gives up by itself after 155 s.
}, 180_000);
