// Describes the machine and the versions on which the figures were measured.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { findRedisServer } from '../../cli/parts/redis.ts';
import { REPOSITORY } from '../../dev/paths.ts';

const PACKAGES = ['@soketi/soketi', 'bee-queue', 'pusher', 'pusher-js', 'express', 'bullmq', 'socket.io', 'zod'];

/** `2 × Some CPU, Node 20.20.2, Redis 7.0.15, …` */
export function describeMachine(): string {
  const version = (name: string): string =>
    JSON.parse(readFileSync(join(REPOSITORY, 'node_modules', name, 'package.json'), 'utf8')).version;
  const redis = execFileSync(findRedisServer() as string, ['--version'], { encoding: 'utf8' });
  return [
    `${cpus().length} × ${cpus()[0]?.model.trim()}`,
    `Node ${process.versions.node}`,
    `Redis ${/v=([\d.]+)/.exec(redis)?.[1] ?? 'unknown'}`,
    ...PACKAGES.map((name) => `${name.replace('@soketi/', '')} ${version(name)}`),
  ].join(', ');
}
