// Kinds of Redis that cannot be started here, by made-up answers. Those that can are in test/integration/redis/redis-kinds.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ErrorReply } from '@redis/client';
import { faultOf, UnusableRedisError } from './fault.ts';
import { commandsNeeded, inspect, PLAIN_COMMANDS } from './inspection.ts';

const REFUSED = new ErrorReply("NOPERM this user has no permissions to run the 'info' command");

/** Inspects a Redis that gives these answers. An answer that is an error is thrown. Resolves with advice for the operator. */
function inspectOne(answers: { info?: unknown; hello?: unknown; eval?: unknown }, prefix = 'inloop:') {
  const { info = REFUSED, hello = REFUSED, eval: probe = [''] } = answers;
  const replies: Record<string, unknown> = { INFO: info, HELLO: hello, EVAL: probe };
  const send = async ([name = '']: readonly string[]) => {
    const reply = replies[name];
    if (reply instanceof Error) throw reply;
    return reply;
  };
  return inspect({ send, prefix, scripts: [] });
}

/** An answer to INFO with these fields. */
const info = (more: Record<string, string>) =>
  ['# Server', ...Object.entries(more).map(([name, value]) => `${name}:${value}`)].join('\r\n');
/** An answer to HELLO. */
const hello = (version: string, mode = 'standalone') => [
  'server',
  'redis',
  'version',
  version,
  'mode',
  mode,
  'modules',
  [],
];

describe('a Redis', () => {
  it.each(['6.2.0', '7.0.15', '7.4.1', '8.0.0', '10.0'])(
    'of version %s is taken, whether INFO or HELLO names it',
    async (version) => {
      expect(await inspectOne({ info: info({ redis_version: version }) })).toEqual([]);
      expect(await inspectOne({ hello: hello(version) })).toEqual([]);
    },
  );

  it.each(['2.8.19', '5.0.14', '6.0.16'])(
    'of version %s is refused, whether INFO or HELLO names it',
    async (version) => {
      for (const answers of [{ info: info({ redis_version: version }) }, { hello: hello(version) }]) {
        await expect(inspectOne(answers)).rejects.toThrow(`it is version ${version}; 6.2 or newer is needed`);
      }
    },
  );

  it('that forbids INFO and HELLO is taken if it takes a write', async () => {
    expect(await inspectOne({})).toEqual([]);
  });

  it('that is full, or cannot reach its disk, is taken: what it holds can be read', async () => {
    for (const failure of ['OOM command not allowed', 'MISCONF Redis is configured to save RDB snapshots']) {
      expect(await inspectOne({ eval: [failure] })).toEqual([]);
    }
  });

  it('that is a replica, loads its data or wants a password is refused, and a new connection is tried', async () => {
    for (const failure of ['READONLY no', 'ERR Error running script: @user_script:1: -READONLY no']) {
      const error = await inspectOne({ eval: [failure] }).catch((thrown: unknown) => thrown);
      expect(faultOf(error)).toMatchObject({ kind: 'refused', shouldReconnect: true });
    }
    for (const answer of ['LOADING Redis is loading', 'NOAUTH Authentication required.', 'MASTERDOWN Link']) {
      await expect(inspectOne({ info: new ErrorReply(answer) })).rejects.toThrow(answer);
      await expect(inspectOne({ hello: new ErrorReply(answer) })).rejects.toThrow(answer);
      await expect(inspectOne({ eval: new ErrorReply(answer) })).rejects.toThrow(answer);
    }
  });

  it('that is a cluster is refused without a hash tag, whether INFO, HELLO or an error tells it', async () => {
    const crossslot = new ErrorReply("CROSSSLOT Keys in request don't hash to the same slot");
    for (const answers of [
      { info: info({ redis_version: '7.0.0', redis_mode: 'cluster' }) },
      { hello: hello('7.0.0', 'cluster') },
      { eval: crossslot },
    ]) {
      const error = await inspectOne(answers).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UnusableRedisError);
      expect(String(error)).toMatch(/cluster.*\{inloop\}:/);
    }
    expect(await inspectOne({ hello: hello('7.0.0', 'cluster') }, 'a{b}c:')).toEqual([]);
    await expect(inspectOne({ hello: hello('7.0.0', 'cluster') }, '{}inloop:')).rejects.toThrow(/cluster/);
    await expect(inspectOne({ eval: new ErrorReply('MOVED 12 10.0.0.7:6379') }, '{inloop}:')).rejects.toThrow(
      /10\.0\.0\.7:6379/,
    );
  });
});

describe('the commands that are needed', () => {
  const source = (file: string) => readFileSync(file, 'utf8');

  it('are those that scripts call, and those that are sent outside of them', () => {
    const scripts = ["redis.call('ZCARD', KEYS[1])  redis.pcall( \"Incr\")  redis.call('ZCARD')"];
    expect(commandsNeeded(scripts)).toEqual([...PLAIN_COMMANDS, 'zcard', 'incr'].sort());
  });

  it('include each that store, hooks and queue send', () => {
    const code = ['backend/store', 'backend/hooks'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((file) => /(?<!\.test)\.ts$/.test(file))
        .map((file) => source(`${folder}/${file}`)),
    );
    const methods = [...code.join('\n').matchAll(/\bclient\.(\w+)\(/g)].map(([, name]) => String(name));
    const ours = methods.filter((name) => name !== 'sendCommand').map((name) => name.toLowerCase());
    const senders = ['queue/bee-queue/queue-client.ts', 'queue/job-taker.ts', 'redis/script.ts'];
    const queue = senders.map((file) => source(`backend/${file}`)).join('\n');
    const sent = [...queue.matchAll(/\['([A-Z]+)'/g)].map(([, name]) => String(name).toLowerCase());
    expect(sent).toEqual(expect.arrayContaining(['brpoplpush', 'eval', 'evalsha', 'srem']));
    expect(ours).toEqual(expect.arrayContaining(['hmget', 'lrange', 'subscribe', 'zrem']));
    for (const name of [...ours, ...sent]) expect(PLAIN_COMMANDS).toContain(name);
  });
});
