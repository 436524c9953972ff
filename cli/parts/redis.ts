// A Redis on this machine: where its program is, the command that starts it, and whether it answers.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Command } from '../processes/child.ts';
import { LOOPBACK } from '../processes/ports.ts';
import { findOnPath } from './find.ts';
import type { SystemPart } from './system-packages.ts';

/** Path of an installed Redis or Valkey server, or null. */
export function findRedisServer(): string | null {
  return findOnPath(['redis-server', 'valkey-server'], ['/opt/homebrew/bin', '/usr/local/bin', '/usr/local/sbin']);
}

/** Redis as a package of the system. Arch Linux has Valkey, a fork with the same protocol. */
export const REDIS: SystemPart = {
  name: 'Redis',
  packages: {
    'apt-get': ['redis-server'],
    brew: ['redis'],
    dnf: ['redis'],
    yum: ['redis'],
    apk: ['redis'],
    pacman: ['valkey'],
  },
  find: findRedisServer,
};

/** Options of {@link redisCommand}. */
export interface RedisOptions {
  file: string;
  folder: string;
  port: number;
  /** The password that clients need. Without one, every user of the machine can read and change everything. */
  password?: string;
}

/**
 * The command that runs Redis on loopback with its data in `folder`, which is created if it is missing.
 *
 * Every write is handed to the system before it is answered, so a killed Redis loses nothing. A power cut may lose the last
 * half minute.
 */
export function redisCommand({ file, folder, port, password }: RedisOptions): Command {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const settings: Record<string, string> = {
    bind: LOOPBACK,
    port: String(port),
    dir: folder,
    appendonly: 'yes',
    // With `everysec`, Redis answers writes that it has not written yet while a slow disk flushes. A kill would lose them.
    appendfsync: 'no',
    save: '',
    loglevel: 'warning',
    // When memory is full, a write must fail. Evicting keys would lose accepted tasks.
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

/** Writes the password to a private file, because every user of the machine can read the arguments of a process. */
function writeSecrets(folder: string, password: string): string {
  const path = join(folder, 'secrets.conf');
  // Removed first, because writing to an existing file keeps its mode.
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
