/**
 * Finds what is stuck and why. It serves `GET /api/stuck`, the number in the overview, and the view of one task.
 *
 * It looks at the 200 oldest tasks of each definition and each active status, since what is stuck gets old. It does so at most
 * once in 4 s, unless an act has changed something.
 */

import type { Backend } from '../../backend/backend.ts';
import { Pauses } from '../../backend/operator/pauses.ts';
import { readStory } from '../../backend/operator/story.ts';
import type { TaskEntry } from '../../backend/operator/task-entries.ts';
import type { StuckItem, StuckReason, StuckReport } from '../../core/operator/stuck.ts';
import { ACTIVE_STATUSES } from '../../core/tasks/snapshot.ts';
import { CachedRead } from './cached-read.ts';
import { judgeTask, STUCK_AFTER_MS, type Stuck, type Surroundings } from './stuck-reason.ts';
import type { TaskFinder } from './task-finder.ts';

/** For how long a report is given again. */
const MAX_AGE_MS = 4_000;
/** How many tasks of one definition and one status are looked at. */
const MOST_JUDGED = 200;
/** How many tasks and workers an item of the report names. */
const MOST_IDS = 10;
const MOST_WORKERS = 10;
/** The order of the reasons in the report. */
const ORDER: readonly StuckReason[] = [
  'no-worker',
  'paused',
  'line',
  'no-sign-of-life',
  'blocked',
  'concurrency-key',
  'children',
  'cancelling',
  'push-backlog',
];
/** The reasons for which the report names the workers that have the tasks. */
const OF_WORKERS: readonly StuckReason[] = ['no-sign-of-life', 'blocked', 'cancelling'];

export interface StuckOptions {
  readonly backend: Backend;
  readonly finder: TaskFinder;
}

/** The tasks of one definition that are stuck for one reason. */
interface Group {
  readonly reason: StuckReason;
  readonly name: string;
  readonly entries: TaskEntry[];
  /** Since when the first of them is stuck, in ms. */
  since: number;
}

/** What is stuck, found when somebody asks. */
export class StuckSource {
  readonly #backend: Backend;
  readonly #finder: TaskFinder;
  readonly #pauses: Pauses;
  readonly #cached = new CachedRead(MAX_AGE_MS, () => this.#search());

  constructor({ backend, finder }: StuckOptions) {
    this.#backend = backend;
    this.#finder = finder;
    this.#pauses = new Pauses(backend.redis);
  }

  /** The report, at most 4 s old. @throws TaskError `store_unavailable` */
  get(): Promise<StuckReport> {
    return this.#cached.get();
  }

  /** Makes the next call search anew. Call it when something was changed here. */
  forget(): void {
    this.#cached.forget();
  }

  /** Why one task does not go on; null if it does. @throws TaskError `store_unavailable` */
  async findReason(entry: TaskEntry): Promise<StuckReason | null> {
    const around = await this.#readSurroundings([entry.snapshot.name]);
    return (await this.#judge(entry, around))?.reason ?? null;
  }

  async #search(): Promise<StuckReport> {
    const names = await this.#finder.listNames();
    const around = await this.#readSurroundings(names);
    const groups = new Map<string, Group>();
    let isPartial = false;
    for (const name of names) {
      for (const status of ACTIVE_STATUSES) {
        const { entries, hasMore } = await this.#finder.findOldest(name, status, MOST_JUDGED);
        isPartial ||= hasMore;
        const judged = await Promise.all(entries.map((entry) => this.#judge(entry, around)));
        for (const [n, stuck] of judged.entries()) {
          if (stuck && isListed(stuck, around.now)) add(groups, entries[n] as TaskEntry, stuck);
        }
      }
    }
    const items = [...groups.values()].map(toItem);
    const backlog = await this.#readBacklog(around.now);
    const time = new Date(around.now).toISOString();
    return { time, items: [...items, ...backlog].sort(byReason), isPartial };
  }

  async #readSurroundings(names: readonly string[]): Promise<Surroundings> {
    const [workers, paused] = await Promise.all([this.#backend.workers.list(), this.#pauses.of(names)]);
    return {
      now: this.#backend.clock.now(),
      workers: new Map(workers.map((worker) => [worker.id, worker])),
      handled: new Set(workers.filter(({ isAlive }) => isAlive).flatMap((worker) => worker.names)),
      paused: new Set(paused.keys()),
    };
  }

  async #judge(entry: TaskEntry, around: Surroundings): Promise<Stuck | null> {
    const { redis } = this.#backend;
    const { id, gate, snapshot } = entry;
    let isAtGate = false;
    if (gate !== null && snapshot.status === 'queued') {
      // `gate` is `<limit> <gate>`.
      const waiting = `${redis.keys.prefix}gate:${gate.replace(/^\d+ /, '')}:waiting`;
      isAtGate = (await redis.send((client) => client.zScore(waiting, id))) !== null;
    }
    let cancelledAt: number | null = null;
    if (snapshot.status === 'cancelling') {
      const { story } = await readStory(redis, id);
      const cancelled = story.findLast(({ type }) => type === 'cancelling');
      cancelledAt = cancelled ? Date.parse(cancelled.at) : null;
    }
    return judgeTask(entry, around, { isAtGate, cancelledAt });
  }

  /** The item about what was not pushed; empty if all was. @param now in ms */
  async #readBacklog(now: number): Promise<readonly StuckItem[]> {
    const { redis } = this.#backend;
    const before = now - STUCK_AFTER_MS.push;
    const oldest = await redis.unpublished(STUCK_AFTER_MS.push, MOST_JUDGED);
    const [first] = await redis.send((client) => client.zRangeWithScores(redis.keys.unpublished, 0, 0));
    if (first === undefined || first.score > before || oldest.length === 0) return [];
    const since = new Date(first.score).toISOString();
    const ids = oldest.slice(0, MOST_IDS);
    return [{ reason: 'push-backlog', name: null, count: oldest.length, ids, since, workers: [] }];
  }
}

/** Whether the report names it. It names a task at a gate only after a minute; the view of that task tells the reason at once. */
function isListed({ reason, since }: Stuck, now: number): boolean {
  return reason !== 'concurrency-key' || since <= now - STUCK_AFTER_MS.gate;
}

function add(groups: Map<string, Group>, entry: TaskEntry, { reason, since }: Stuck): void {
  const { name } = entry.snapshot;
  const key = `${reason} ${name}`;
  const group = groups.get(key) ?? { reason, name, entries: [], since };
  groups.set(key, group);
  group.entries.push(entry);
  group.since = Math.min(group.since, since);
}

function toItem({ reason, name, entries, since }: Group): StuckItem {
  const workers = OF_WORKERS.includes(reason) ? entries.flatMap(({ worker }) => (worker === null ? [] : [worker])) : [];
  return {
    reason,
    name,
    count: entries.length,
    ids: entries
      .map(({ id }) => id)
      .sort()
      .slice(0, MOST_IDS),
    since: new Date(since).toISOString(),
    workers: [...new Set(workers)].slice(0, MOST_WORKERS),
  };
}

function byReason(a: StuckItem, b: StuckItem): number {
  return ORDER.indexOf(a.reason) - ORDER.indexOf(b.reason) || ((a.name ?? '') < (b.name ?? '') ? -1 : 1);
}
