// `npx inloop doctor`: says of each variable and each part whether it works, and what to do about what does not.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { type Backend, createBackend } from '../../backend/backend.ts';
import { readArguments } from '../arguments.ts';
import { CommandError } from '../command-error.ts';
import type { Check } from './check.ts';
import { checkApplication } from './check-application.ts';
import { checkBrowser } from './check-browser.ts';
import { checkBus } from './check-bus.ts';
import { checkEnvironment, SILENT } from './check-environment.ts';
import { checkRedis } from './check-redis.ts';
import { checkWorkers } from './check-workers.ts';
import { formatChecks } from './format-checks.ts';

const USAGE = `Usage: inloop doctor [options]

Says of each variable and each part whether it works, and what to do about what does not. Exit code 1 if something does
not work. It pushes two events over the bus. It prints no secret.

  --env-file FILE  read variables from this file; those of the environment win
  --url URL        where the router is mounted, such as http://localhost:3000/tasks: looks at the application, too
  --prefix TEXT    the prefix of createBackend, if it is not inloop:
  --json           print {"ok", "checks": [{"part", "name", "outcome", "found", "cure"}]}`;

/** @returns 0 if everything works, otherwise 1 */
export async function runDoctor(args: string[]): Promise<number> {
  const kinds = { 'env-file': 'string', url: 'string', prefix: 'string', json: 'boolean' } as const;
  const values = readArguments(args, kinds, USAGE);
  if (values === null) return 0;
  const { url = null, prefix = 'inloop:', json = false } = values;
  if (url !== null && !(URL.canParse(url) && /^https?:/.test(url))) {
    throw new CommandError(`--url must be a URL like http://localhost:3000/tasks, not "${url}".`);
  }
  const env = { ...readEnvFile(values['env-file']), ...process.env };
  const checks = await examine(env, prefix, url);
  const ok = checks.every(({ outcome }) => outcome !== 'failed');
  console.log(json ? JSON.stringify({ ok, checks }, null, 2) : formatChecks(checks));
  return ok ? 0 : 1;
}

async function examine(env: NodeJS.ProcessEnv, prefix: string, url: string | null): Promise<Check[]> {
  const { checks: variables, redis, pusher } = checkEnvironment(env);
  const checks: Check[] = [...variables];
  const redisChecks =
    redis === null ? [skipPart('redis', 'REDIS_URL cannot be used')] : await checkRedis(redis, prefix);
  checks.push(...redisChecks);
  if (pusher === null) return [...checks, skipPart('bus', 'a variable of it cannot be used')];

  // If there is no address of Redis, any does: a backend connects when Redis is first used, and here only the bus is.
  const backend = createBackend({ redis: redis ?? 'redis://localhost', pusher, prefix, log: SILENT });
  try {
    // The channel of an owner that no application has.
    const channel = backend.channelOf(`inloop-doctor-${randomBytes(6).toString('hex')}`);
    const busChecks = await checkBus(backend.bus, pusher, channel);
    checks.push(...busChecks);
    if (hasFailed(busChecks)) checks.push(skipPart('browser', 'the bus does not work'));
    else checks.push(...(await checkBrowser(backend.bus, pusher, channel)));
    checks.push(...(await checkApplication(url, pusher)));
    checks.push(
      ...(redis === null || hasFailed(redisChecks.filter(isBlocking))
        ? [skipPart('workers', 'Redis does not work')]
        : await examineWorkers(backend)),
    );
  } finally {
    await backend.close();
  }
  return checks;
}

/** Whether a failure of this check means that workers cannot be listed. A wrong memory policy, for one, does not. */
const isBlocking = ({ name }: Check): boolean => ['connection', 'use'].includes(name);

const hasFailed = (checks: readonly Check[]): boolean => checks.some(({ outcome }) => outcome === 'failed');

async function examineWorkers(backend: Backend): Promise<readonly Check[]> {
  return checkWorkers(backend).catch((error: Error) => [skipPart('workers', error.message)]);
}

function skipPart(part: Check['part'], why: string): Check {
  return { part, name: 'everything', outcome: 'skipped', found: `${why}.`, cure: null };
}

function readEnvFile(file: string | undefined): NodeJS.Dict<string> {
  if (file === undefined) return {};
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CommandError(`--env-file: ${(error as Error).message}`);
  }
}
