import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { VERSION } from './version.ts';

it('the version in the code is that of the package', () => {
  const { version } = JSON.parse(readFileSync(`${__dirname}/../package.json`, 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
});
