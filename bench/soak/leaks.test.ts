// Runs a few hours, each compressed into seconds (hour.ts), with tasks of every kind, users who come and go, and outages. They must leave
// nothing in memory or in Redis.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bundleScript } from '../../test/support/processes/script-process.ts';
import { type Services, startServices } from '../services.ts';
import { findGrowth, type Holdings } from './growth.ts';
import type { LeakReport } from './leak-run.ts';

describe('a few compressed hours', () => {
  let services: Services;

  beforeAll(async () => {
    services = await startServices();
  });
  afterAll(() => services.stop());

  it('leave no timer, listener, connection, key or object behind, and a leak that is put in is found', async () => {
    const script = await bundleScript('bench/soak/leak-run.ts');
    try {
      const env = { ...services.env, SOKETI_PID: String(services.soketiPid), PATH: process.env.PATH };
      const { stdout } = await promisify(execFile)(process.execPath, [script.file], { env });
      const report: LeakReport = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
      expect(report.grown).toEqual([]);
      for (const what of ['timers', 'all: listeners', 'all: objects', 'Redis: keys', 'Redis: entries of inloop:left']) {
        expect(report.grownWithLeaks).toContainEqual(expect.stringMatching(new RegExp(`^${what}: `)));
      }
    } finally {
      script.remove();
    }
  }, 240_000);
});

describe('growth', () => {
  const holdings = (change: Partial<Holdings['processes'][string]> = {}, keys = 5): Holdings => ({
    processes: {
      server: { bytes: 1e7, objects: 1_000, timers: 3, listeners: 4, resources: { TCPSocketWrap: 2 }, ...change },
    },
    redis: { keys, entries: 9, connections: 4, byKind: {} },
  });

  it.each([
    ['a timer for each forty tasks', holdings({ timers: 28 }), 'timers: 3 → 28'],
    ['one listener', holdings({ listeners: 5 }), 'server: listeners: 4 → 5'],
    ['one socket', holdings({ resources: { TCPSocketWrap: 3 } }), 'server: TCPSocketWrap: 2 → 3'],
    [
      'a resource of a new kind',
      holdings({ resources: { TCPSocketWrap: 2, FSReqCallback: 1 } }),
      'server: FSReqCallback: 0 → 1',
    ],
    ['an object for each fourth task', holdings({ objects: 1_250 }), 'server: objects: 1000 → 1250'],
    ['two KB for each task', holdings({ bytes: 1e7 + 2_048_000 }), 'server: memory, KB: 9766 → 11766'],
    ['one key', holdings({}, 6), 'Redis: keys: 5 → 6'],
  ])('%s in a thousand tasks is too much', (_what, after, line) => {
    expect(findGrowth(holdings(), after, 1_000)).toEqual([line]);
  });

  it('one entry more of a kind of key is too much, even where others have become fewer', () => {
    const withEntries = (byKind: Record<string, number>) => ({ ...holdings(), redis: { ...holdings().redis, byKind } });
    const lines = findGrowth(withEntries({ 'inloop:a': 9 }), withEntries({ 'inloop:a': 1, 'inloop:b': 1 }), 1_000);
    expect(lines).toEqual(['Redis: entries of inloop:b: 0 → 1']);
  });

  it('what has become less, and a little memory, is no growth', () => {
    const less = holdings({ timers: 1, objects: 1_050, bytes: 1e7 + 500_000, resources: {} }, 4);
    expect(findGrowth(holdings(), less, 1_000)).toEqual([]);
  });
});
