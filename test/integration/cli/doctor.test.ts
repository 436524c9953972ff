// `npx inloop doctor` as a process, on a table of broken set-ups. Each is a real part that is broken in one way.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Check } from '../../../cli/doctor/check.ts';
import { findFreePort } from '../../../cli/processes/ports.ts';
import { eventually } from '../../support/eventually.ts';
import { startBus, type TestBus } from '../../support/parts.ts';
import { runInloop } from '../../support/processes/inloop-command.ts';
import { startRedis, type TestRedis } from '../../support/redis/redis.ts';
import { makeReplica } from '../../support/redis/use-redis.ts';

jest.setTimeout(60_000);

const REDIS_PASSWORD = 'pw-of-redis-1234';
const WRONG = 'wrong-one-5678';

let bus: TestBus;
const redis = {} as Record<'guarded' | 'replica' | 'cluster' | 'cache', TestRedis>;
let freePort: number;

beforeAll(async () => {
  [bus, redis.guarded, redis.replica, redis.cluster, redis.cache, freePort] = await Promise.all([
    startBus(),
    // Without the 5 s for which a primary waits for more replicas.
    startRedis({ settings: { 'repl-diskless-sync-delay': '0' } }),
    startRedis(),
    startRedis({ settings: { 'cluster-enabled': 'yes', appendonly: 'no' } }),
    startRedis({ settings: { 'maxmemory-policy': 'allkeys-lru' } }),
    findFreePort(),
  ]);
  const everything = ['on', `>${REDIS_PASSWORD}`, '~*', '&*', '+@all'];
  await redis.guarded.say('ACL', 'SETUSER', 'inloop', ...everything);
  await redis.guarded.say('ACL', 'SETUSER', 'poor', ...everything, '-zadd', '-subscribe');
  await makeReplica(redis.replica.say, redis.guarded.port);
  await redis.cluster.say('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await eventually(async () => String(await redis.cluster.say('CLUSTER', 'INFO')).includes('cluster_state:ok'), {
    within: 10_000,
  });
}, 60_000);

afterAll(async () => {
  await Promise.all([bus, ...Object.values(redis)].map((part) => part?.stop()));
}, 30_000);

/** The address of the Redis with users, for one of them. */
const urlFor = (user: string, password: string): string => redis.guarded.url.replace('//', `//${user}:${password}@`);

/** A set-up that is broken in one way. */
interface Broken {
  /** In place of the variables that work. */
  readonly env: () => Record<string, string | undefined>;
  /** Failed checks that the doctor must name, such as `redis use`. Others may fail too. */
  readonly fails: readonly string[];
  /** What the failed checks must say that they found, and how it is cured. */
  readonly found: RegExp;
  readonly cure: RegExp;
}

const BROKEN: Readonly<Record<string, Broken>> = {
  'no variables': {
    env: () => Object.fromEntries(Object.keys(bus.env).map((name) => [name, undefined])),
    fails: ['REDIS_URL', 'PUSHER_APP_ID', 'PUSHER_KEY', 'PUSHER_SECRET'],
    found: /missing/,
    cure: /npx inloop dev`: `npx inloop doctor --env-file \.inloop\/dev\.env/,
  },
  'a malformed address of Redis': {
    env: () => ({ REDIS_URL: 'localhost:6379' }),
    fails: ['environment REDIS_URL'],
    found: /redis:/,
    cure: /docs\/redis\.md/,
  },
  'a malformed port of the bus': {
    env: () => ({ PUSHER_PORT: 'http' }),
    fails: ['environment PUSHER_PORT'],
    found: /port|number/i,
    cure: /\.env\.example/,
  },
  'a Redis that is down': {
    env: () => ({ REDIS_URL: `redis://127.0.0.1:${freePort}` }),
    fails: ['redis connection'],
    found: /ECONNREFUSED/,
    cure: /Start Redis/,
  },
  'a wrong password of Redis': {
    env: () => ({ REDIS_URL: urlFor('inloop', WRONG) }),
    fails: ['redis connection'],
    found: /WRONGPASS|password/i,
    cure: /Correct user and password in REDIS_URL/,
  },
  'a user of Redis without rights that are needed': {
    env: () => ({ REDIS_URL: urlFor('poor', REDIS_PASSWORD) }),
    fails: ['redis use'],
    found: /may not use subscribe, zadd/,
    cure: /Give the user these rights/,
  },
  'a replica': {
    env: () => ({ REDIS_URL: redis.replica.url }),
    fails: ['redis use'],
    found: /READONLY|replica|slave/i,
    cure: /name the primary/,
  },
  'a Redis Cluster': {
    env: () => ({ REDIS_URL: redis.cluster.url }),
    fails: ['redis use'],
    found: /cluster/,
    cure: /Redis Cluster/,
  },
  'a Redis that is a cache': {
    env: () => ({ REDIS_URL: redis.cache.url }),
    fails: ['redis memory policy'],
    found: /allkeys-lru: accepted tasks vanish/,
    cure: /noeviction/,
  },
  'a wrong secret of the bus': {
    env: () => ({ PUSHER_SECRET: WRONG }),
    fails: ['bus credentials'],
    found: /401|signature/i,
    cure: /PUSHER_KEY and PUSHER_SECRET/,
  },
  'a wrong key of the bus': {
    // Soketi checks only the signature of an API call, so the server's calls work. It refuses pages with an unknown key.
    env: () => ({ PUSHER_KEY: 'another-key' }),
    fails: ['browser connection'],
    found: /4001/,
    cure: /^→ PUSHER_KEY must be/m,
  },
  'a wrong port of the bus': {
    env: () => ({ PUSHER_PORT: String(freePort) }),
    fails: ['bus connection'],
    found: /nothing listens/,
    cure: /correct PUSHER_HOST and PUSHER_PORT/,
  },
  'another service at the port of the bus': {
    env: () => ({ PUSHER_PORT: String(redis.guarded.port) }),
    fails: ['bus credentials'],
    found: /127\.0\.0\.1/,
    cure: /PUSHER_HOST, PUSHER_PORT and PUSHER_TLS/,
  },
  'a bus that cannot be reached at its public address': {
    env: () => ({ PUSHER_PUBLIC_HOST: '127.0.0.1', PUSHER_PUBLIC_PORT: String(freePort) }),
    fails: ['browser connection'],
    found: /lets no WebSocket connect/,
    cure: /PUSHER_PUBLIC_HOST/,
  },
};

/** Runs the doctor with these variables instead of those that work. */
function runDoctor(over: Record<string, string | undefined>, ...args: string[]) {
  const all: Record<string, string | undefined> = { ...bus.env, REDIS_URL: urlFor('inloop', REDIS_PASSWORD), ...over };
  const env = Object.entries(all).filter(([, value]) => value !== undefined);
  return runInloop(['doctor', ...args], '/', Object.fromEntries(env) as Record<string, string>);
}

async function readChecks(over: Record<string, string | undefined>) {
  const { end, output } = await runDoctor(over, '--json');
  return { end, output, ...(JSON.parse(output) as { ok: boolean; checks: Check[] }) };
}

function expectNoSecret(output: string): void {
  for (const secret of [REDIS_PASSWORD, WRONG, bus.env.PUSHER_SECRET]) expect(output).not.toContain(secret);
}

describe('inloop doctor', () => {
  it.concurrent('finds nothing wrong where everything works', async () => {
    const { end, output } = await runDoctor({});
    expect(output).toContain('Everything that was looked at works.');
    expect(end).toBe('exit code 0');
    expectNoSecret(output);
  });

  it.concurrent.each(Object.entries(BROKEN))('names %s, with its cure', async (_what, { env, fails, found, cure }) => {
    const { end, output, ok, checks } = await readChecks(env());
    const failed = checks.filter(({ outcome }) => outcome === 'failed');
    const text = failed.map((check) => `${check.part} ${check.name}: ${check.found}\n→ ${check.cure}`).join('\n');
    expect({ end, ok }).toEqual({ end: 'exit code 1', ok: false });
    for (const name of fails) expect(text).toContain(name);
    expect(text).toMatch(found);
    expect(text).toMatch(cure);
    expectNoSecret(output);
  });

  it.concurrent('tells people the same as programs', async () => {
    const broken = { REDIS_URL: urlFor('poor', REDIS_PASSWORD), PUSHER_SECRET: WRONG };
    const [people, programs] = await Promise.all([runDoctor(broken), readChecks(broken)]);
    expect([people.end, programs.end]).toEqual(['exit code 1', 'exit code 1']);
    expectNoSecret(people.output);
    for (const { name, outcome, found, cure } of programs.checks) {
      // Times differ from one look to the next.
      if (!/ ms$/.test(found)) expect(people.output).toContain(found);
      expect(people.output).toContain(name);
      if (outcome === 'failed') expect(people.output).toContain(`→ ${cure}`);
    }
  });
});
