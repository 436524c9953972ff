// The Redis of the local stack: found, started on loopback with an append-only file, asked whether it answers.
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import type { Command } from './child.ts';
import { findOnPath } from './find.ts';
import { LOOPBACK } from './ports.ts';

/** Path of an installed Redis or Valkey server, or null. */
export function findRedisServer(): string | null {
  return findOnPath(['redis-server', 'valkey-server'], ['/opt/homebrew/bin', '/usr/local/bin', '/usr/local/sbin']);
}

/**
 * The command that runs Redis with its data in `folder` (made when missing).
 *
 * Every write reaches the append-only file before it is answered, so a killed process loses nothing; a power cut may
 * lose the last second.
 */
export function redisCommand({ file, folder, port }: { file: string; folder: string; port: number }): Command {
  mkdirSync(folder, { recursive: true });
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
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    env: { PATH: process.env.PATH },
    cwd: folder,
  };
}

/** Whether the Redis on `port` answers PING; false while it loads its data. Takes at most a second. */
export function pingRedis(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    const finish = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => finish(data.toString().startsWith('+PONG')));
    socket.once('close', () => finish(false));
  });
}
