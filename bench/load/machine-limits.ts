// Reads what limits the number of connections on this machine, and describes the machine for docs/capacity.md.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { findRedisServer } from '../../cli/parts/redis.ts';
import { SOKETI_PACKAGE } from '../../soketi/find-soketi.ts';

/** How many files a process may have open. Each connection is one. NaN on other systems than Linux. */
export function readMaxOpenFiles(pid: number): number {
  try {
    return Number(/Max open files\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}

/** `2 cores, 24 GB, Node 20.20.2, Redis 7.0.15, Soketi 1.6.1`: what the figures depend on, without naming the machine. */
export function describeEnvironment(): string {
  const redis = execFileSync(findRedisServer() as string, ['--version'], { encoding: 'utf8' });
  return [
    `${availableParallelism()} cores`,
    `${Math.round(totalmem() / 1e9)} GB`,
    `Node ${process.versions.node}`,
    `Redis ${/v=([\d.]+)/.exec(redis)?.[1] ?? 'unknown'}`,
    `Soketi ${SOKETI_PACKAGE.split('@').at(-1)}`,
  ].join(', ');
}
