import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { findOnPath } from './find.ts';
import { REDIS } from './redis.ts';
import { requireSystemPart } from './system-packages.ts';

/** Found on PATH only. `REDIS` is also found in folders like /usr/local/bin, where this machine may have one. */
const redis = { ...REDIS, find: () => findOnPath(['redis-server']) };
const env = { ...process.env };
let folder: string;
let said: string[];

/** Puts a shell script on the PATH, which holds nothing else. */
function provide(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/**
 * A package manager that writes its calls to the file $LOG. `update` fails with exit code 100. Any other call installs
 * Redis: it copies the script to the one folder of the PATH, as `redis-server`.
 */
const INSTALLS = 'echo "$0 $*" >> "$LOG"; [ "$1" = update ] && exit 100; /bin/cp "$0" "$PATH/redis-server"';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inloop-path-'));
  process.env.PATH = folder;
  process.env.LOG = join(folder, 'log');
  delete process.env.INLOOP_NO_INSTALL;
  // Where the tests do not run as root, `sudo -n` is called. This one drops the `-n` and runs the rest.
  provide('sudo', 'shift; exec "$@"');
  said = [];
  jest.spyOn(console, 'error').mockImplementation((line: string) => void said.push(line));
});

afterEach(() => {
  jest.restoreAllMocks();
  Object.assign(process.env, env);
  delete process.env.LOG;
  rmSync(folder, { recursive: true, force: true });
});

describe('a program that npm does not carry', () => {
  it('is installed through the system’s package manager, said out loud, even if the list cannot be refreshed', async () => {
    provide('apt-get', INSTALLS);
    expect(await requireSystemPart(redis)).toBe(join(folder, 'redis-server'));
    expect(said).toEqual([
      expect.stringMatching(/^inloop: Redis is missing, so installing it: .*apt-get install -y .*redis-server$/),
    ]);
    const calls = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');
    expect(calls.map((call) => call.replace(/^.*apt-get/, 'apt-get'))).toEqual([
      'apt-get update',
      'apt-get install -y --no-install-recommends redis-server',
    ]);
  });

  it('is used as it is when it is there', async () => {
    provide('redis-server', '');
    provide('apt-get', INSTALLS);
    expect(await requireSystemPart(redis)).toBe(join(folder, 'redis-server'));
    expect(said).toEqual([]);
    expect(existsSync(join(folder, 'log'))).toBe(false);
  });

  it('is only named with INLOOP_NO_INSTALL', async () => {
    provide('apt-get', INSTALLS);
    process.env.INLOOP_NO_INSTALL = '1';
    await expect(requireSystemPart(redis)).rejects.toThrow(/Redis is missing .*Install it with: .*apt-get install/);
    expect(existsSync(join(folder, 'log'))).toBe(false);
  });

  it('that cannot be installed is named with the command to run by hand', async () => {
    provide('apt-get', 'exit 100');
    await expect(requireSystemPart(redis)).rejects.toThrow(
      /Could not install Redis \(.* ended with exit code 100\)\. Install it with: .*apt-get install/,
    );
  });
});
