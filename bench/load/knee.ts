// Finds the knee in the figures of a load that was stepped up: the step after which more load hardly brings more throughput. Names
// what was saturated there.

import { cpus } from 'node:os';
import { readCpuMs } from '../measure/cpu.ts';
import type { RunningStack } from '../running-stack.ts';

/** CPU of each process, in cores: 1 is one core for the whole time. `other work` is all that other programs used. */
export type CpuShares = Readonly<Record<string, number>>;

/** What was measured at one step of the load. */
export interface Step {
  /** How much was asked for: connections, handlers, tasks at once. */
  readonly load: number;
  /** Accepted requests, finished tasks or delivered messages a second. */
  readonly perSecond: number;
  /** Percentiles of the time until an answer, or until an outcome is on its page, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly cpu: CpuShares;
}

/** A step becomes the knee if it brings at least this many times as much a second as the knee of the steps before it. */
const WORTH_IT = 1.1;
/** The event loop of one process is on one core. From this share on it is the limit. */
const BUSY_PROCESS = 0.85;
/** From this share of all cores on, the machine is the limit. */
const BUSY_MACHINE = 0.9;

/**
 * Finds the knee: the last step that brought at least a tenth more a second than the knee of the steps before it. Of 100, 109 and 105
 * a second it is 100; of 100, 109 and 118 it is 118.
 * @throws Error if there are no steps
 */
export function findKnee<S extends Step>(steps: readonly S[]): S {
  const [first, ...more] = steps;
  if (first === undefined) throw new Error('There are no steps.');
  return more.reduce((best, step) => (step.perSecond >= best.perSecond * WORTH_IT ? step : best), first);
}

/**
 * Names what is saturated: the machine with its busiest processes, or else the processes whose event loop fills a core, the busiest
 * first. `nothing` if all of them wait: for timers, for the network, or for each other.
 *
 * @param cores how many the machine has
 */
export function nameSaturated(cpu: CpuShares, cores: number): string {
  const used = Object.values(cpu).reduce((sum, share) => sum + share, 0);
  const named = Object.entries(cpu).sort(([, a], [, b]) => b - a);
  const busy = named
    .filter(([, share]) => share >= BUSY_PROCESS)
    .map(([name, share]) => `${name} (${percent(share)} of a core)`);
  if (used >= cores * BUSY_MACHINE) {
    const most = named.slice(0, 3).map(([name, share]) => `${name} ${percent(share)}`);
    return `the machine’s ${cores} cores (${percent(used)}: ${most.join(', ')})`;
  }
  return busy.length > 0 ? busy.join(', ') : 'nothing';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/**
 * Starts to measure the CPU of all processes of a stack.
 *
 * @param more ids of further processes, by the name that they get in the shares
 * @returns a function that returns the shares since then
 */
export function watchCpu(running: RunningStack, more: Readonly<Record<string, number>> = {}): () => CpuShares {
  const pids = { pages: running.clients.pid, ...more };
  const read = (): Record<string, number> => ({
    ...running.cpu(),
    ...Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, readCpuMs(pid)])),
  });
  const before = read();
  const busyBefore = readBusyMs();
  const began = performance.now();
  return () => {
    const took = performance.now() - began;
    const after = read();
    const busy = (readBusyMs() - busyBefore) / took;
    const shares = Object.entries(after).map(([name, cpu]) => [name, (cpu - (before[name] ?? 0)) / took] as const);
    const ours = shares.reduce((sum, [, share]) => sum + share, 0);
    return Object.fromEntries([...shares, ['other work', Math.max(0, busy - ours)]]);
  };
}

/** For how long all cores together were busy since the machine started, in ms: with this run and with anything else. */
function readBusyMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
}
