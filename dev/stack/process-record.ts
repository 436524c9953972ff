// Recognising a process again later, by more than its number: numbers are used again, and ending a stranger because it
// got the number of a process of ours must not happen.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process and when it started. */
export interface ProcessRecord {
  name: string;
  pid: number;
  /** When it started, as the system tells it; null where the system does not (Windows). */
  started: string | null;
}

/** A record of a process that runs now. */
export function recordProcess(name: string, pid: number): ProcessRecord {
  return { name, pid, started: readStart(pid) };
}

/** Whether that very process still runs. Without a start time: false, because nothing proves it. */
export function isStillRunning({ pid, started }: ProcessRecord): boolean {
  return started !== null && readStart(pid) === started;
}

function readStart(pid: number): string | null {
  return process.platform === 'linux' ? readStartOnLinux(pid) : askPs(pid);
}

/** Clock ticks between boot and start, with the boot's id: ticks alone would repeat after a restart of the machine. */
function readStartOnLinux(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, and may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return null;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
  } catch {
    return null;
  }
}

function askPs(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return null;
  }
}
