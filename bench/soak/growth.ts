// Compares what processes and Redis hold before and after the same work, and says what has grown. Pure.
import type { RedisContents } from './redis-contents.ts';
import type { Sample } from './sample.ts';

/** What all processes and Redis hold at one moment. */
export interface Holdings {
  readonly processes: Readonly<Record<string, Sample>>;
  readonly redis: RedisContents;
}

/**
 * What may have come without a leak: 100 objects and 1.5 MB, since functions are compiled anew and buffers are kept, and for each
 * task a tenth of an object and 30 bytes. A leak of one object a task is ten times that.
 */
const OBJECTS = 100;
const OBJECTS_A_TASK = 0.1;
const KB = 1_536;
const KB_A_TASK = 0.03;
/** Timers that serve connections come and go: up to 6 more were seen after 600 tasks. A leak of one a task is fifty times this. */
const TIMERS_A_TASK = 0.02;

/**
 * Names what has grown, empty if nothing has. Listeners, open resources, keys and connections must be back where they were;
 * timers, objects and memory may have grown by a little for each task.
 *
 * @param tasks how many tasks were run between the two
 */
export function findGrowth(first: Holdings, last: Holdings, tasks: number): string[] {
  const grown: string[] = [];
  const compare = (what: string, before: number, after: number, allowed = 0) => {
    if (after - before > allowed) grown.push(`${what}: ${Math.round(before)} → ${Math.round(after)}`);
  };
  for (const [name, after] of Object.entries(last.processes)) {
    const before = first.processes[name];
    if (before === undefined) continue;
    compare(`${name}: listeners`, before.listeners, after.listeners);
    for (const kind of Object.keys(after.resources)) {
      compare(`${name}: ${kind}`, before.resources[kind] ?? 0, after.resources[kind] ?? 0);
    }
    compare(`${name}: objects`, before.objects, after.objects, OBJECTS + OBJECTS_A_TASK * tasks);
    compare(`${name}: memory, KB`, before.bytes / 1_024, after.bytes / 1_024, KB + KB_A_TASK * tasks);
  }
  // Added up: what one process does for all, as the sweeper does, moves from one to another.
  compare('timers', timersOf(first), timersOf(last), TIMERS_A_TASK * tasks);
  compare('Redis: keys', first.redis.keys, last.redis.keys);
  for (const [kind, entries] of Object.entries(last.redis.byKind)) {
    compare(`Redis: entries of ${kind}`, first.redis.byKind[kind] ?? 0, entries);
  }
  compare('Redis: connections', first.redis.connections, last.redis.connections);
  return grown;
}

function timersOf({ processes }: Holdings): number {
  return Object.values(processes).reduce((sum, { timers }) => sum + timers, 0);
}
