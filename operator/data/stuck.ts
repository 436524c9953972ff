/**
 * Finds what is stuck and why. It serves `GET /api/stuck`, the number in the overview, and the view of one task.
 *
 * Of each definition the 200 oldest tasks of each active status are looked at, at most once in 4 s: what is stuck gets old.
 */

import type { Backend } from '../../backend/backend.ts';
import { Pauses } from '../../backend/operator/pauses.ts';
import { readStory } from '../../backend/operator/story.ts';
import type { TaskEntry } from '../../backend/operator/task-entries.ts';
import type { StuckItem, StuckReason, StuckReport } from '../../core/operator/stuck.ts';
import { ACTIVE_STATUSES } from '../../core/tasks/snapshot.ts';
import { CachedRead } from './cached-read.ts';
import { STUCK_AFTER_MS, type Stuck, type Surroundings, stuckReason } from './stuck-reason.ts';
import type { TaskFinder } from './task-finder.ts';

const READ_EVERY_MS = 4_000;
const MOST_JUDGED = 200;
const MOST_IDS = 10;
const MOST_WORKERS = 10;
/** The order in which they are shown. */
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
/** Of these it matters which worker has the task. */
const OF_WORKERS: readonly StuckReason[] = ['no-sign-of-life', 'blocked', 'cancelling'];

export interface StuckOptions {
  readonly backend: Backend;
  readonly finder: TaskFinder;
}

interface Group {
  readonly reason: StuckReason;
  readonly name: string;
  readonly entries: TaskEntry[];
  since: number;
}

export class StuckSource {
  readonly #backend: Backend;
  readonly #finder: TaskFinder;
  readonly #pauses: Pauses;
  readonly #cached = new CachedRead(READ_EVERY_MS, () => this.#search());

  constructor({ backend, finder }: StuckOptions) {
    this.#backend = backend;
    this.#finder = finder;
    this.#pauses = new Pauses(backend.redis);
  }

  /** At most 4 s old. @throws TaskError `store_unavailable` */
  get(): Promise<StuckReport> {
    return this.#cached.get();
  }

  /** The next call searches anew: something was changed here. */
  forget(): void {
    this.#cached.forget();
  }

  /** Why one task does not go on; null if it does. @throws TaskError `store_unavailable` */
  async reasonOf(entry: TaskEntry): Promise<StuckReason | null> {
    const around = await this.#surroundings([entry.snapshot.name]);
    return (await this.#judge(entry, around))?.reason ?? null;
  }

  async #search(): Promise<StuckReport> {
    const names = await this.#finder.names();
    const around = await this.#surroundings(names);
    const groups = new Map<string, Group>();
    let isPartial = false;
    for (const name of names) {
      for (const status of ACTIVE_STATUSES) {
        const { entries, hasMore } = await this.#finder.oldest(name, status, MOST_JUDGED);
        isPartial ||= hasMore;
        const judged = await Promise.all(entries.map((entry) => this.#judge(entry, around)));
        for (const [n, stuck] of judged.entries()) {
          if (stuck && isListed(stuck, around.now)) add(groups, entries[n] as TaskEntry, stuck);
        }
      }
    }
    const items = [...groups.values()].map(toItem);
    const backlog = await this.#backlog(around.now);
    const time = new Date(around.now).toISOString();
    return { time, items: [...items, ...backlog].sort(byReason), isPartial };
  }

  async #surroundings(names: readonly string[]): Promise<Surroundings> {
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
      const waiting = `${redis.keys.prefix}gate:${gate.replace(/^\d+ /, '')}:waiting`;
      isAtGate = (await redis.send((client) => client.zScore(waiting, id))) !== null;
    }
    let cancelledAt: number | null = null;
    if (snapshot.status === 'cancelling') {
      const { story } = await readStory(redis, id);
      const cancelled = story.findLast(({ type }) => type === 'cancelling');
      cancelledAt = cancelled ? Date.parse(cancelled.at) : null;
    }
    return stuckReason(entry, around, { isAtGate, cancelledAt });
  }

  async #backlog(now: number): Promise<readonly StuckItem[]> {
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

/** Whether the list names it. The view of one task tells its reason at once. */
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
