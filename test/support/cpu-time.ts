// How much CPU time something takes. For tests of cost: unlike time by the clock, CPU time does not grow while other processes keep
// the machine busy.
import { readFileSync } from 'node:fs';

/** Milliseconds of CPU that this process spends in `work`, which must not wait for anything. */
export function cpuMsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/**
 * Seconds of CPU that process `pid` has spent so far. Other systems than Linux do not tell them. There it returns the seconds by
 * the clock, which grow at least as fast while one thread works.
 */
export function cpuSecondsOf(pid: number): number {
  if (process.platform !== 'linux') return performance.now() / 1_000;
  // The fields after the name in brackets, which may hold spaces. [11] is user time and [12] is system time, in 1/100 s.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
