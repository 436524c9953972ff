// CPU and memory of a process. Linux only; elsewhere both are NaN, and the tables show a dash.
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of a process since it started, in ms: that of all threads that still exist. NaN on other systems than Linux. */
export function readCpuMs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    let nanoseconds = 0;
    for (const thread of threads) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
    return nanoseconds / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** Resident memory of a process, in MB. NaN on other systems than Linux. */
export function readMemoryMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}
