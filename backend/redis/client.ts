/**
 * Makes clients of @redis/client. It serves `connection.ts`, `sentinel.ts` and `diagnosis.ts`. Such a client connects once. It
 * does not reconnect, queue commands or time out: `connection.ts` and its users do that.
 */

import { RedisClient, type RedisClientOptions, type RedisClientType, type RedisScripts } from '@redis/client';
import type { Host, RedisAddress } from './address.ts';

/** How long TCP and TLS may take to connect. */
const CONNECT_MS = 3_000;
/**
 * How many bytes may wait in the socket before the client stops writing, until the next turn of the event loop. Node's own limit
 * is 16 KB (64 KB from Node 22 on). A command takes about 250 bytes, so 65 commands would leave in each turn. A server that gets
 * 200 requests in a turn would write its commands later and later, until they miss their deadlines although Redis is idle.
 * 1 MiB is 4,000 commands.
 */
const WRITE_BUFFER_BYTES = 1_048_576;
/** How many commands may wait for an answer. Further ones are refused at once, so that memory is bounded while Redis hangs. */
const MAX_WAITING_COMMANDS = 20_000;

/** A client that speaks RESP 2 and has the scripts `S` as commands. */
export type Client<S extends RedisScripts> = RedisClientType<Record<never, never>, Record<never, never>, S, 2>;

/** Makes one client. Written out, because the compiler would name types that @redis/client does not export. */
export type MakeClient<S extends RedisScripts> = (
  options: Omit<RedisClientOptions<Record<never, never>, Record<never, never>, S, 2>, 'scripts'>,
) => Client<S>;

/** Makes a function that makes clients with `scripts`. Call it once and keep it: it builds a class with every command. */
export function clientMaker<S extends RedisScripts>(scripts: S): MakeClient<S> {
  // RESP 2 needs no HELLO at the start of a connection. The answers that we use look the same in RESP 3.
  return RedisClient.factory<Record<never, never>, Record<never, never>, S, 2>({ scripts, RESP: 2 });
}

/** The options of a client for `server`, which is a Redis or a sentinel at `address`. */
export function clientOptions(address: RedisAddress, server: Host) {
  const { username, password, database, tls } = address;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    database,
    // Needed again for each client; otherwise it asks for RESP 3.
    RESP: 2 as const,
    // Commands that wait for a connection wait in connection.ts, with a deadline.
    disableOfflineQueue: true,
    // The name and version of the client would cost two commands a connection, and Redis before 7.2 refuses them.
    disableClientInfo: true,
    // Notices of maintenance exist in Redis Enterprise only, and need RESP 3.
    maintNotifications: 'disabled' as const,
    commandsQueueMaxLength: MAX_WAITING_COMMANDS,
    // Callers set deadlines (async.ts). The client's own timeout costs more than a command, and stays in memory for 5 s after it
    // (decision 12).
    commandOptions: { timeout: 0 },
    socket: {
      host: server.host,
      port: server.port,
      connectTimeout: CONNECT_MS,
      highWaterMark: WRITE_BUFFER_BYTES,
      reconnectStrategy: false as const,
      ...(tls ? { ...(tls as object), tls: true as const } : {}),
    },
  };
}
