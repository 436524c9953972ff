/**
 * Inspects a Redis before it is used: its version, our rights, and whether it takes writes. It serves the task store and
 * `npx inloop doctor`. The store does not use a Redis on which inloop cannot work. So the operator sees one line at start,
 * not one for each failed task.
 */

import { ErrorReply } from '@redis/client';
import { faultOf, faultOfReply, UnusableRedisError } from './fault.ts';

/** The oldest version of Redis that works: major, minor. */
const OLDEST = [6, 2] as const;

/** Sends one command. Rejects with the error that Redis answers. */
export type Send = (command: readonly string[]) => Promise<unknown>;

/** What {@link inspect} takes. */
export interface InspectionOptions {
  readonly send: Send;
  /** What every key and channel of inloop begins with, for example `inloop:`. */
  readonly prefix: string;
  /** Every script that will be run there. */
  readonly scripts: readonly string[];
}

/** Commands that servers and workers send outside of scripts. Those that scripts call are found in the scripts. */
export const PLAIN_COMMANDS: readonly string[] = (
  'eval evalsha ping subscribe get set mget del exists time ' +
  'hget hmget hgetall hset hdel lrange zadd zrange zrem sadd smembers ' +
  // Only the queue sends these (backend/queue/).
  'brpoplpush srem'
).split(' ');

/** Every command that a user of Redis must be allowed, in lower case. */
export function commandsNeeded(scripts: readonly string[]): string[] {
  const called = scripts.flatMap((script) =>
    [...script.matchAll(/redis\.p?call\(\s*['"](\w+)['"]/g)].map(([, name]) => String(name).toLowerCase()),
  );
  return [...new Set([...PLAIN_COMMANDS, ...called])].sort();
}

/**
 * Answers, in one round trip, the error of a write ('' for none) and which of the commands in ARGV the user may not use.
 * The script names two keys, so that a cluster refuses it if our keys are not on one node. Before Redis 7 a script cannot ask
 * for rights, so the answer names no command.
 *
 * KEYS: two keys. ARGV[1]: a channel. ARGV[2] and those after it: the commands.
 */
const PROBE = `
local denied = {}
if redis.acl_check_cmd then
  for n = 2, #ARGV do
    -- Redis checks the arguments of these two commands as channels, and those of the others as keys. Commands
    -- have their keys at different places, so every place gets the same key.
    local target = KEYS[1]
    if ARGV[n] == 'publish' or ARGV[n] == 'subscribe' then target = ARGV[1] end
    local isKnown, isAllowed = pcall(redis.acl_check_cmd, ARGV[n], target, target, target, target)
    if not isKnown or not isAllowed then denied[#denied + 1] = ARGV[n] end
  end
end
local written = redis.pcall('SET', KEYS[1], '1', 'PX', 1000)
return {written.err or '', unpack(denied)}
`;

/**
 * Checks version, rights and writes of a Redis that was just connected.
 * @returns advice for the operator, one line each
 * @throws UnusableRedisError for a Redis that cannot be used; its message says why and what to do
 * @throws ErrorReply when another server should be looked for, or this one later
 */
export async function inspect({ send, prefix, scripts }: InspectionOptions): Promise<string[]> {
  const facts = await readFacts(send);
  checkVersion(facts);
  const isCluster = facts.redis_mode === 'cluster';
  if (isCluster && !/\{[^}]+\}/.test(prefix)) throw new UnusableRedisError(adviseHashTag(prefix));
  await checkRights(send, prefix, commandsNeeded(scripts));
  return adviseOnEviction(facts);
}

/** The fields of INFO. If INFO is not allowed, version and mode as HELLO answers them. If HELLO is not allowed either, none. */
export async function readFacts(send: Send): Promise<Readonly<Record<string, string>>> {
  try {
    const info = String(await send(['INFO']));
    return Object.fromEntries([...info.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name, value]));
  } catch (error) {
    ignoreRefusal(error);
  }
  try {
    const hello = (await send(['HELLO'])) as readonly unknown[];
    // HELLO answers a list: a name, its value, the next name, and so on.
    const find = (name: string) => String(hello[hello.indexOf(name) + 1] ?? '');
    return { redis_version: find('version'), redis_mode: find('mode') };
  } catch (error) {
    ignoreRefusal(error);
    return {};
  }
}

function checkVersion({ redis_version: version = '' }: Readonly<Record<string, string>>): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  if (version === '' || !isOld) return;
  throw new UnusableRedisError(`it is version ${version}; ${OLDEST.join('.')} or newer is needed`);
}

async function checkRights(send: Send, prefix: string, commands: readonly string[]): Promise<void> {
  const keys = [`${prefix}probe`, `${prefix}probe:other`];
  const question = ['EVAL', PROBE, '2', ...keys, `${prefix}probe`, ...commands];
  const answer = (await send(question).catch((error: unknown) => {
    const cause = explain(error, prefix);
    if (faultOf(cause).kind !== 'bug') throw cause;
    // This server cannot run the probe. The first task will show whether it runs the other scripts.
    return [];
  })) as readonly string[];
  const [failure = '', ...denied] = answer;
  if (denied.length > 0) throw new UnusableRedisError(adviseRights(prefix, denied));
  // Any other failure may pass by itself. Until then reads may work: those of a full Redis do.
  if (failure !== '' && faultOfReply(failure).shouldReconnect) throw new ErrorReply(failure);
}

function adviseRights(prefix: string, commands: readonly string[]): string {
  const cure = `~${prefix}* &${prefix}* ${commands.map((name) => `+${name}`).join(' ')}`;
  return `its user may not use ${commands.join(', ')} on our keys and channels; allow it with ACL SETUSER <user> ${cure} (docs/redis.md)`;
}

/** The error to throw for an error of the probe: one that tells the operator what to do, or the same one. */
function explain(error: unknown, prefix: string): unknown {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('CROSSSLOT')) return new UnusableRedisError(adviseHashTag(prefix));
  const [, node] = /^MOVED \d+ (\S+)/.exec(message) ?? [];
  if (node !== undefined) {
    return new UnusableRedisError(
      `it is a cluster, and this node does not hold the keys that begin with ${prefix}; REDIS_URL must name the one that does, just now ${node}`,
    );
  }
  if (message.includes('NOPERM'))
    return new UnusableRedisError(`${adviseRights(prefix, ['eval', 'evalsha'])}: ${message}`);
  return error;
}

/** What to do about a prefix without a hash tag, the part in braces by which a cluster chooses the node of a key. */
function adviseHashTag(prefix: string): string {
  return `it is a cluster, where all keys of ours must be on one node; give createBackend a prefix with a hash tag, such as { prefix: '{inloop}:' } instead of '${prefix}'`;
}

function adviseOnEviction({ maxmemory_policy: policy = '' }: Readonly<Record<string, string>>): string[] {
  const cure = 'set maxmemory-policy to noeviction';
  if (policy.startsWith('allkeys-')) {
    return [`Redis may throw away any key when its memory is full (${policy}), so accepted tasks may vanish: ${cure}`];
  }
  if (policy.startsWith('volatile-')) {
    return [
      `Redis may throw away keys that expire when its memory is full (${policy}), so outcomes may vanish before anybody has seen them: ${cure}`,
    ];
  }
  return [];
}

/** Throws an error that is about the connection. Ignores one that says that Redis will not run the command. */
function ignoreRefusal(error: unknown): void {
  const { kind, shouldReconnect } = faultOf(error);
  if (kind === 'away' || shouldReconnect) throw error;
}
