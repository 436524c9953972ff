// Recognizes a process later by its id and its start time. The system reuses ids, so a process of somebody else may have the
// id of an ended process of the stack. It must not be ended.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process and when it started. */
export interface ProcessRecord {
  name: string;
  pid: number;
  /** When it started, in the system's own form; null on Windows, which does not tell. */
  started: string | null;
}

/** Makes a record of a process that runs now. */
export function recordProcess(name: string, pid: number): ProcessRecord {
  return { name, pid, started: readStart(pid) };
}

/** Whether the same process still runs. False if its start time is unknown: nothing else proves that it is the same. */
export function isStillRunning({ pid, started }: ProcessRecord): boolean {
  return started !== null && readStart(pid) === started;
}

function readStart(pid: number): string | null {
  return process.platform === 'linux' ? readStartOnLinux(pid) : askPs(pid);
}

/** The boot id, and the time of the start in clock ticks since boot. Ticks alone would repeat after a reboot. */
function readStartOnLinux(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses; the name may contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // In proc(5) the state is field 3 and the start time is field 22. `fields` begins with field 3.
    const state = fields[0];
    const startTicks = fields[22 - 3];
    // A zombie: it has ended, and its parent has not noticed yet.
    if (state === 'Z') return null;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${startTicks}`;
  } catch {
    return null;
  }
}

/** The start time as `ps` prints it. Null if no such process runs, or there is no `ps`: on Windows. */
function askPs(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return null;
  }
}
