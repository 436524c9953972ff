/**
 * What is known of a definition's tasks: how many have each status, how they ended in the last 24 hours, how long they
 * ran. It serves the operator's overview. Scripts write the counts (index-scripts.ts). The counts of the hour under way and of
 * the one before are read each time. Those of earlier hours do not change any more, so they are read once.
 */

import type { DefinitionOverview } from '../../core/operator/overview.ts';
import { OUTCOMES, type Outcome, STATUSES, type Status } from '../../core/tasks/snapshot.ts';
import type { CommandRunner } from '../store/commands/define-command.ts';
import { createdAt } from './index-walk.ts';
import { HOUR_MS, OperatorKeys } from './operator-keys.ts';

const HOURS_SHOWN = 24;
/** Counts of so many hours, the newest ones, may still change: a script that began before an hour was over may end after it. */
const HOURS_CHANGING = 2;
const MINUTES_SHOWN = 60;
/** `endedPerMinute` is the mean of so many whole minutes. */
const RATE_MINUTES = 5;
/** How many codes of errors are shown. */
const MOST_FAILURES = 20;

/**
 * The counts of one hour, as the hash holds them: tasks by outcome (`failed`), by code of the error (`f:<code>`), and by minute
 * of the hour (`m0` to `m59`).
 */
type HourCounts = Readonly<Record<string, string>>;

/** What `DefinitionOverview` says of the tasks that have ended. */
export interface EndedStats
  extends Pick<DefinitionOverview, 'endedByMinute' | 'endedPerMinute' | 'outcomes' | 'failures'> {
  /** How many ended in the hour under way and the one before. */
  readonly endedLately: number;
}

export class DefinitionStats {
  readonly #redis: CommandRunner;
  readonly #keys: OperatorKeys;
  /** Counts of hours that are over, by key. */
  readonly #past = new Map<string, HourCounts>();

  constructor(redis: CommandRunner) {
    this.#redis = redis;
    this.#keys = new OperatorKeys(redis.keys.prefix);
  }

  /** How many tasks have each status. @throws TaskError `store_unavailable` */
  async readCounts(name: string): Promise<Readonly<Record<Status, number>>> {
    const counts = await this.#redis.send((client) =>
      Promise.all(STATUSES.map((status) => client.zCard(this.#keys.tasks(name, status)))),
    );
    return Object.fromEntries(STATUSES.map((status, n) => [status, counts[n] ?? 0])) as Record<Status, number>;
  }

  /** When the oldest queued task was created, in ms; null if none waits. @throws TaskError `store_unavailable` */
  async readOldestQueued(name: string): Promise<number | null> {
    const [id] = await this.#redis.send((client) => client.zRange(this.#keys.tasks(name, 'queued'), 0, 0));
    return id === undefined ? null : createdAt(id);
  }

  /**
   * The median and the 95th percentile of the last run times, in seconds; null if none is known.
   * @throws TaskError `store_unavailable`
   */
  async readRunSeconds(name: string): Promise<DefinitionOverview['runSeconds']> {
    const runs = await this.#redis.send((client) => client.lRange(this.#keys.runs(name), 0, -1));
    return summarizeRuns(runs);
  }

  /** How the tasks ended in the last 24 hours. @param now in ms by Redis' clock @throws TaskError `store_unavailable` */
  async readEnded(name: string, now: number): Promise<EndedStats> {
    const hour = Math.floor(now / HOUR_MS);
    const hours = Array.from({ length: HOURS_SHOWN }, (_, n) => hour - n);
    return summarizeEnded(await this.#readHours(name, hours), now);
  }

  /** The counts of these hours, which are given and answered the newest first. */
  async #readHours(name: string, hours: readonly number[]): Promise<readonly HourCounts[]> {
    const keys = hours.map((hour) => this.#keys.ended(name, hour));
    const missing = keys.filter((key, n) => n < HOURS_CHANGING || !this.#past.has(key));
    const read = await this.#redis.send((client) => Promise.all(missing.map((key) => client.hGetAll(key))));
    for (const [n, key] of missing.entries()) this.#past.set(key, { ...read[n] });
    const counts = keys.map((key) => this.#past.get(key) ?? {});
    const kept = new Set(keys.slice(HOURS_CHANGING));
    for (const key of this.#past.keys()) {
      if (key.startsWith(`${this.#keys.mounted}:ended:${name}:`) && !kept.has(key)) this.#past.delete(key);
    }
    return counts;
  }
}

/** Adds up what has ended. @param counts of the last 24 hours, the one under way first @param now in ms */
export function summarizeEnded(counts: readonly HourCounts[], now: number): EndedStats {
  const minute = Math.floor(now / 60_000);
  const endedIn = (m: number) => {
    const hoursAgo = Math.floor(minute / 60) - Math.floor(m / 60);
    return Number(counts[hoursAgo]?.[`m${m % 60}`] ?? 0);
  };
  const endedByMinute = Array.from({ length: MINUTES_SHOWN }, (_, n) => endedIn(minute - MINUTES_SHOWN + 1 + n));
  // The last one is under way.
  const whole = endedByMinute.slice(-RATE_MINUTES - 1, -1);
  const outcomes = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, sum(counts.map((hour) => Number(hour[outcome] ?? 0)))]),
  ) as Record<Outcome, number>;
  const failures = new Map<string, number>();
  for (const hour of counts) {
    for (const [field, count] of Object.entries(hour)) {
      if (!field.startsWith('f:')) continue;
      const code = field.slice(2);
      failures.set(code, (failures.get(code) ?? 0) + Number(count));
    }
  }
  return {
    endedByMinute,
    endedPerMinute: sum(whole) / RATE_MINUTES,
    outcomes,
    failures: [...failures]
      .map(([code, count]) => ({ code, count }))
      .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1))
      .slice(0, MOST_FAILURES),
    endedLately: sum(counts.slice(0, 2).flatMap((hour) => OUTCOMES.map((outcome) => Number(hour[outcome] ?? 0)))),
  };
}

/** Median and 95th percentile, in seconds; null without a run. @param runs each `<startedAt> <finishedAt>` in ISO 8601 */
export function summarizeRuns(runs: readonly string[]): DefinitionOverview['runSeconds'] {
  const seconds = runs
    .map((run) => {
      const [from = '', to = ''] = run.split(' ');
      return (Date.parse(to) - Date.parse(from)) / 1_000;
    })
    .filter((one) => one >= 0)
    .sort((a, b) => a - b);
  if (seconds.length === 0) return null;
  const at = (share: number) => seconds[Math.min(Math.floor(seconds.length * share), seconds.length - 1)] as number;
  return { median: at(0.5), p95: at(0.95), of: seconds.length };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
