import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../../core/config-error.ts';
import { checkBeeQueue } from './contract.ts';

const INSTALLED = dirname(createRequire(__filename).resolve('bee-queue/package.json'));
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'inloop-bee-queue-'));
  for (const part of ['package.json', 'lib']) cpSync(join(INSTALLED, part), join(copy, part), { recursive: true });
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

/** What the check of the bee-queue in `folder` throws, or null. */
function errorOf(folder: string): unknown {
  try {
    checkBeeQueue(folder);
  } catch (error) {
    return error;
  }
  return null;
}

describe('the contract with bee-queue', () => {
  it('is kept by the one that is installed, and by a copy of it', () => {
    expect(errorOf(INSTALLED)).toBeNull();
    expect(errorOf(copy)).toBeNull();
  });

  it('is broken by another version, which is told with what to do', () => {
    const file = join(copy, 'package.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version: '2.1.0' }));
    expect(errorOf(copy)).toEqual(
      new ConfigError(
        'invalid_dependency',
        'inloop relies on bee-queue 2.0.0 as published, and found version 2.1.0. Run: npm install bee-queue@2.0.0',
      ),
    );
  });

  it.each(['lib/queue.js', 'lib/job.js', 'lib/redis.js', 'lib/lua/addJob.lua', 'lib/lua/checkStalledJobs.lua'])(
    'is broken by a change in %s, which is named',
    (file) => {
      appendFileSync(join(copy, file), ' ');
      expect(errorOf(copy)).toMatchObject({
        code: 'invalid_dependency',
        message: expect.stringContaining(`found version 2.0.0 with other contents in ${file}. Run: npm install`),
      });
    },
  );

  it('is broken by a script that is gone', () => {
    rmSync(join(copy, 'lib/lua/addDelayedJob.lua'));
    expect(String(errorOf(copy))).toContain('lib/lua/addDelayedJob.lua');
  });
});
