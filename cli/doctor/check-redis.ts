// Looks at Redis: whether it can be reached, what it is, and whether inloop can be used on it.
import { diagnoseRedis } from '../../backend/redis/diagnosis.ts';
import { commandsNeeded } from '../../backend/redis/inspection.ts';
import { ALL_SCRIPTS } from '../../backend/store/commands/index.ts';
import { type Check, Findings } from './check.ts';

/** Clocks that differ by more are a fault, in ms. */
const MAX_SKEW_MS = 5_000;
/** From this share of its memory on, Redis counts as nearly full. */
const NEARLY_FULL = 0.9;

const NOT_PRIMARY_CURE = 'REDIS_URL must name the primary, or its sentinels (redis+sentinel://…).';
/** Cures by the words of a fault: the first that matches. */
const CURES: readonly (readonly [RegExp, string])[] = [
  [/WRONGPASS|NOAUTH|without any password/, 'Correct user and password in REDIS_URL; each is percent-encoded there.'],
  [/READONLY|MASTERDOWN|replica/, NOT_PRIMARY_CURE],
  [
    /ECONNREFUSED/,
    'Start Redis there (`npx inloop dev` does it on this machine), or correct host and port in REDIS_URL.',
  ],
  [/ENOTFOUND|EAI_AGAIN/, 'Correct the host in REDIS_URL.'],
  [/ssl|tls|certificate|wrong version number/i, 'Redis with TLS wants rediss:, without TLS redis:, in REDIS_URL.'],
  [/memory is full|OOM/, 'Give Redis more memory (maxmemory), or free some.'],
  [/it is a cluster/, 'docs/redis.md, "Redis Cluster".'],
  [/may not use/, 'Give the user these rights, or leave that to who runs Redis: docs/redis.md, "The least rights".'],
  [/is version/, 'Use Redis 6.2 or newer, or Valkey.'],
  [/prefix/, 'Give the doctor the same prefix as createBackend: --prefix.'],
];

/** @param prefix that of `createBackend` */
export async function checkRedis(url: string, prefix: string): Promise<readonly Check[]> {
  const findings = new Findings('redis');
  const { host, unreachable, roundTripMs, facts, unusable, noWrites, aheadMs } = await diagnoseRedis(url, {
    prefix,
    scripts: ALL_SCRIPTS,
  });
  const where = host === null ? 'the primary' : `${host.host}:${host.port}`;
  if (unreachable !== null) {
    findings.failed(
      'connection',
      `${where}: ${unreachable}`,
      cureOf(unreachable, 'Correct REDIS_URL, or start Redis there.'),
    );
    return findings.checks;
  }
  findings.ok('connection', `${where} answers in ${roundTripMs.toFixed(1)} ms`);
  if (facts.redis_version)
    findings.ok('version', facts.redis_version + (facts.redis_mode === 'cluster' ? ', a cluster' : ''));
  if (unusable !== null)
    findings.failed('use', unusable, cureOf(unusable, 'docs/redis.md says which Redis can be used.'));
  else {
    findings.ok('rights', `all ${commandsNeeded(ALL_SCRIPTS).length} commands that inloop uses, on keys ${prefix}*`);
    if (noWrites === null) findings.ok('writes', 'are taken');
    else findings.failed('writes', noWrites, cureOf(noWrites, 'docs/redis.md, "When Redis is unwell".'));
  }
  if (facts.role === undefined) {
    findings.note('INFO', 'its user may not use INFO, so memory and persistence are not known.', 'Allow it: +info.');
  } else {
    if (facts.role === 'master') findings.ok('role', 'primary');
    // A replica that refuses writes has failed as `use` already.
    else if (unusable === null) findings.failed('role', `it is a ${facts.role}`, NOT_PRIMARY_CURE);
    checkMemory(facts, findings);
    checkPersistence(facts, findings);
  }
  const skew = `${Math.abs(aheadMs / 1_000).toFixed(1)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  if (Math.abs(aheadMs) <= MAX_SKEW_MS) findings.ok('clock', 'agrees with this machine’s');
  else findings.failed('clock', `is ${skew}`, 'Set both clocks, by NTP.');
  return findings.checks;
}

function checkMemory(facts: Readonly<Record<string, string>>, findings: Findings): void {
  const policy = facts.maxmemory_policy ?? 'unknown';
  const cure = 'In redis.conf: maxmemory-policy noeviction. A Redis for inloop is not a cache.';
  if (policy === 'noeviction') findings.ok('memory policy', policy);
  else if (policy.startsWith('allkeys-')) {
    findings.failed('memory policy', `${policy}: accepted tasks vanish when its memory is full`, cure);
  } else findings.failed('memory policy', `${policy}: outcomes vanish when its memory is full`, cure);
  const used = Number(facts.used_memory);
  const limit = Number(facts.maxmemory);
  // 0: no limit.
  if (!(limit > 0)) return;
  const share = `${Math.round((used / limit) * 100)} % of ${Math.round(limit / 1_048_576)} MB used`;
  if (used < limit * NEARLY_FULL) findings.ok('memory', share);
  else findings.note('memory', `${share}: no task is accepted when it is full`, 'Give Redis more memory (maxmemory).');
}

function checkPersistence(
  { aof_enabled: aof, rdb_last_bgsave_status: saved }: Readonly<Record<string, string>>,
  findings: Findings,
) {
  if (aof === '1') findings.ok('persistence', 'appendonly: a restart loses at most the last second');
  else {
    const state =
      saved === 'ok'
        ? 'appendonly is off: a crash loses what came after the last snapshot'
        : 'the last snapshot failed';
    findings.note('persistence', state, 'appendonly yes, if tasks must survive a crash of Redis.');
  }
}

function cureOf(text: string, otherwise: string): string {
  return CURES.find(([pattern]) => pattern.test(text))?.[1] ?? otherwise;
}
