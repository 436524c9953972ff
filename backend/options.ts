/** The options of `createBackend`, and their checks. TypeScript checks them too, but plain JavaScript passes anything. */

import { type Duration, toMilliseconds } from '../core/values/duration.ts';
import { isObject, numberWithin, refuseOptions, requireOption, wholeNumber } from '../core/values/options.ts';
import { consoleLog, guardLog, type Log } from './log/log.ts';
import type { PusherOptions } from './push/bus/pusher-env.ts';
import { parseRedisAddress, type RedisEndpoint } from './redis/address.ts';

/** What `createBackend` takes. */
export interface BackendOptions {
  /**
   * `redis[s]://[[user][:password]@]host[:port][/db]`, or an address of sentinels, or either with what TLS needs; see
   * {@link RedisEndpoint}. The same for server and worker.
   */
  readonly redis: string | RedisEndpoint | undefined;
  /** The bus: `pusherFromEnv(process.env)`. */
  readonly pusher: PusherOptions;
  /** Before every Redis key, so that several applications can share one Redis. Default `inloop:`. */
  readonly prefix?: string;
  /** How long finished tasks are kept. Default 7 days. Active ones are kept until they finish. */
  readonly retention?: Duration;
  /**
   * By how much of a task's total its bar may be off on a page: from 0.001 to 0.5. Pages move bars by themselves, and a
   * message is sent when a bar would be off by more than this, and by more than one element. The default 0.01 looks exact
   * and needs about 12 messages a minute. 0.05 needs about 9, for plans where each message costs.
   */
  readonly accuracy?: number;
  /**
   * How many messages a second one user gets at most, outcomes apart, which always go at once; a whole number from 1 to
   * 100. All tasks of the user share it, in all workers. Default 10. Usually far fewer are sent (`accuracy`): only work
   * whose pace changes all the time reaches this limit.
   */
  readonly pushesPerSecond?: number;
  /** Gets what an operator should know. Default: lines on standard error. */
  readonly log?: Log;
}

/** The checked options, with defaults filled in. */
export interface BackendSettings {
  readonly url: string | RedisEndpoint;
  readonly pusher: PusherOptions;
  readonly prefix: string;
  /** In seconds. */
  readonly retention: number;
  readonly accuracy: number;
  readonly pushesPerSecond: number;
  /** The log, wrapped so that it cannot throw. */
  readonly log: Log;
}

const ACCURACY = { default: 0.01, min: 0.001, max: 0.5 };
const PUSHES_PER_SECOND = { default: 10, min: 1, max: 100 };
const PUSHER_EXPECTED = 'what pusherFromEnv(process.env) gives';
const LOG_METHODS = ['info', 'warn', 'error'] as const;

/** Checks the options, and fills in the defaults. @throws ConfigError `invalid_options` */
export function checkBackendOptions(options: BackendOptions): BackendSettings {
  requireOption(isObject(options), 'createBackend: the argument', 'options like { redis, pusher }', options);
  const { redis, pusher, prefix = 'inloop:', retention = '7d', accuracy, pushesPerSecond, log = consoleLog } = options;
  checkPusher(pusher);
  requireOption(typeof prefix === 'string', 'createBackend: prefix', 'a text like inloop:', prefix);
  const isLog = LOG_METHODS.every((method) => typeof log?.[method] === 'function');
  requireOption(isLog, 'createBackend: log', 'an object with the functions info, warn and error', log);
  // Called for its check: it throws, too, if there is no address. Each connection parses the address by itself.
  parseRedisAddress(redis);
  return {
    url: redis as string | RedisEndpoint,
    pusher,
    prefix,
    retention: toMilliseconds(retention, 'createBackend: retention') / 1_000,
    accuracy: numberWithin('createBackend: accuracy', accuracy, ACCURACY),
    pushesPerSecond: wholeNumber('createBackend: pushesPerSecond', pushesPerSecond, PUSHES_PER_SECOND),
    log: guardLog(log),
  };
}

function checkPusher(pusher: PusherOptions): void {
  const name = 'createBackend: pusher';
  requireOption(isObject(pusher), name, PUSHER_EXPECTED, pusher);
  const hasSecrets = [pusher.appId, pusher.key, pusher.secret].every((text) => typeof text === 'string' && text !== '');
  requireOption(hasSecrets, name, PUSHER_EXPECTED, 'one without appId, key and secret');
  const { cluster = null, server = null } = pusher;
  if (typeof cluster === 'string' || (typeof server?.host === 'string' && Number.isInteger(server.port))) return;
  refuseOptions(`${name} must be ${PUSHER_EXPECTED}: it has neither a cluster nor a server with host and port.`);
}
