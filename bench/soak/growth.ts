// Compares what processes and Redis hold before and after the same work, and says what has grown. Pure.
import type { RedisContents } from './redis-contents.ts';
import type { Sample } from './sample.ts';

/** What all processes and Redis hold at one moment. */
export interface Holdings {
  readonly processes: Readonly<Record<string, Sample>>;
  readonly redis: RedisContents;
}

/**
 * By how much objects and memory may grow without a leak. Functions are compiled and buffers kept: 100 objects and 1.5 MB. For each
 * task a tenth of an object and 30 bytes come on top. A leak of one object a task is ten times that.
 */
const MORE_OBJECTS = 100;
const MORE_OBJECTS_PER_TASK = 0.1;
const MORE_KB = 1_536;
const MORE_KB_PER_TASK = 0.03;
/**
 * By how much timers may grow for each task. Those that serve connections come and go: up to 6 more were seen after 600 tasks. A leak
 * of one timer a task is fifty times this.
 */
const MORE_TIMERS_PER_TASK = 0.02;

/**
 * Finds what has grown. Listeners, open resources, keys, entries and connections must not have grown at all. Timers, objects and
 * memory may have grown by a little for each task.
 *
 * @param tasks how many tasks were run between `first` and `last`
 * @returns a line for each thing that has grown
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
    compare(`${name}: objects`, before.objects, after.objects, MORE_OBJECTS + MORE_OBJECTS_PER_TASK * tasks);
    compare(`${name}: memory, KB`, before.bytes / 1_024, after.bytes / 1_024, MORE_KB + MORE_KB_PER_TASK * tasks);
  }
  // The timers of all processes are added up: what one process does for all, like the sweeper, can move to another process.
  compare('timers', timersOf(first), timersOf(last), MORE_TIMERS_PER_TASK * tasks);
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
