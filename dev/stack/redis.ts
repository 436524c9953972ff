// The Redis of the local stack: found, started on loopback with an append-only file, asked whether it answers.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findOnPath } from '../setup/find.ts';
import type { Command } from './child.ts';
import { LOOPBACK } from './ports.ts';

/** Path of an installed Redis or Valkey server, or null. */
export function findRedisServer(): string | null {
  return findOnPath(['redis-server', 'valkey-server'], ['/opt/homebrew/bin', '/usr/local/bin', '/usr/local/sbin']);
}

/** What a Redis is started with. */
export interface RedisOptions {
  file: string;
  folder: string;
  port: number;
  /** Wanted from every client; without it everybody on this machine can read and change everything. */
  password?: string;
}

/**
 * The command that runs Redis with its data in `folder` (made when missing).
 *
 * Every write reaches the append-only file before it is answered, so a killed process loses nothing; a power cut may
 * lose the last second.
 */
export function redisCommand({ file, folder, port, password }: RedisOptions): Command {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const settings: Record<string, string> = {
    bind: LOOPBACK,
    port: String(port),
    dir: folder,
    appendonly: 'yes',
    save: '',
    loglevel: 'warning',
    // Losing jobs to eviction would break the promise of an accepted task: full memory has to be an error.
    'maxmemory-policy': 'noeviction',
  };
  return {
    file,
    args: [
      ...(password === undefined ? [] : [writeSecrets(folder, password)]),
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    env: { PATH: process.env.PATH },
    cwd: folder,
  };
}

/** In a file of its owner's: everybody on the machine can read the arguments of a process. */
function writeSecrets(folder: string, password: string): string {
  const path = join(folder, 'secrets.conf');
  // Anew, since writing to a file that is there keeps its mode.
  rmSync(path, { force: true });
  writeFileSync(path, `requirepass ${password}\n`, { mode: 0o600 });
  return path;
}

/** Whether the Redis on `port` answers PING; false while it loads its data. Takes at most a second. */
export function pingRedis(port: number, password?: string): Promise<boolean> {
  const ping = password === undefined ? 'PING\r\n' : `AUTH ${password}\r\nPING\r\n`;
  const pong = password === undefined ? '+PONG\r\n' : '+OK\r\n+PONG\r\n';
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    let answer = '';
    const finish = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('connect', () => socket.write(ping));
    socket.on('data', (data) => {
      answer += data.toString();
      if (answer.length >= pong.length || !pong.startsWith(answer)) finish(answer === pong);
    });
    socket.once('close', () => finish(false));
  });
}
