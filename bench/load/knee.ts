// Finds the knee in the figures of a load that was stepped up, and names what was saturated there.

import { cpus } from 'node:os';
import { cpuOf } from '../measure/cpu.ts';
import type { RunningStack } from '../running-stack.ts';

/** CPU of each process, in cores: 1 is one core for the whole time. `other work` is what else the machine did. */
export type CpuShares = Readonly<Record<string, number>>;

/** What was measured at one step of the load. */
export interface Step {
  /** How much was asked for: connections, handlers, tasks at once. */
  readonly load: number;
  /** Accepted requests, finished tasks or delivered messages a second. */
  readonly perSecond: number;
  /** Of the answers or of the delays, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly cpu: CpuShares;
}

/** A step is beyond the knee unless it brings at least this many times as much a second as the knee of the steps before it. */
const WORTH_IT = 1.1;
/** The event loop of one process is on one core. From this share on it is the limit. */
const BUSY_PROCESS = 0.85;
/** From this share of all cores on, the machine is the limit. */
const BUSY_MACHINE = 0.9;

/**
 * The last step that brought at least a tenth more a second than the knee of the steps before it. Of 100, 109 and 105 a second
 * it is 100; of 100, 109 and 118 it is 118.
 * @throws without steps
 */
export function kneeOf<S extends Step>(steps: readonly S[]): S {
  const [first, ...more] = steps;
  if (first === undefined) throw new Error('There are no steps.');
  return more.reduce((best, step) => (step.perSecond >= best.perSecond * WORTH_IT ? step : best), first);
}

/**
 * What is saturated, the most important first: the machine, or a process whose event loop fills a core. `nothing` where all of
 * them wait: for timers, for the network, or for each other.
 *
 * @param cores of the machine
 */
export function saturatedBy(cpu: CpuShares, cores: number): string {
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
 * Starts to measure the CPU of all processes of a stack. Call what it returns for the shares since then.
 *
 * @param more ids of further processes, by the name that they get in the shares
 */
export function watchCpu(running: RunningStack, more: Readonly<Record<string, number>> = {}): () => CpuShares {
  const pids = { pages: running.clients.pid, ...more };
  const read = (): Record<string, number> => ({
    ...running.cpu(),
    ...Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuOf(pid)])),
  });
  const before = read();
  const busyBefore = busyMs();
  const began = performance.now();
  return () => {
    const took = performance.now() - began;
    const after = read();
    const busy = (busyMs() - busyBefore) / took;
    const shares = Object.entries(after).map(([name, cpu]) => [name, (cpu - (before[name] ?? 0)) / took] as const);
    const ours = shares.reduce((sum, [, share]) => sum + share, 0);
    return Object.fromEntries([...shares, ['other work', Math.max(0, busy - ours)]]);
  };
}

/** For how long all cores together were busy since the machine started, in ms: with this run and with anything else. */
function busyMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);
}
