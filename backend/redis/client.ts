/** The client of @redis/client as all of our connections have it: one connection, made once, with no ways of its own. */

import { RedisClient, type RedisScripts } from '@redis/client';
import type { Host, RedisAddress } from './address.ts';

const CONNECT_MS = 3_000;
/** Bounds memory while Redis is frozen: above it commands are refused at once. */
const MAX_WAITING_COMMANDS = 20_000;

export type Client<S extends RedisScripts> = ReturnType<ReturnType<typeof clientMaker<S>>>;

/** Makes clients that know `scripts`. Call it once and keep it: it builds a class with every command. */
export function clientMaker<S extends RedisScripts>(scripts: S) {
  // RESP 2 needs no right to HELLO, and our answers look the same in both.
  return RedisClient.factory<Record<never, never>, Record<never, never>, S, 2>({ scripts, RESP: 2 });
}

/** For the client of one connection to `server`, a Redis or a sentinel at `address`. */
export function clientOptions(address: RedisAddress, server: Host) {
  const { username, password, database, tls } = address;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    database,
    // What the class was made for must be said of each client as well, or it asks for RESP 3 all the same.
    RESP: 2 as const,
    // What waits, waits in our hands, with a deadline.
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled' as const,
    commandsQueueMaxLength: MAX_WAITING_COMMANDS,
    // Ours is the deadline; the client's own costs more than the command, and is kept for five seconds after it.
    commandOptions: { timeout: 0 },
    socket: {
      host: server.host,
      port: server.port,
      connectTimeout: CONNECT_MS,
      reconnectStrategy: false as const,
      ...(tls ? { ...(tls as object), tls: true as const } : {}),
    },
  };
}
