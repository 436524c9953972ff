/**
 * Says in Redis that the operator's page is mounted, so that scripts write for it, and indexes the tasks that were stored
 * before. It serves `createOperator`. Several servers may mount the page: one of them indexes.
 *
 * The tasks are found by SCAN, 500 keys a step with a pause after each, so that others hardly notice: about 5,000 keys a
 * second. Where the user of Redis may not SCAN, the page has the tasks that were stored or changed since it was mounted.
 */

import { STATUSES } from '../../core/tasks/snapshot.ts';
import { delay } from '../async.ts';
import type { CommandRunner } from '../store/commands/define-command.ts';
import { INDEXED_AT_ONCE, indexTasks } from '../store/commands/operator/index-tasks.ts';
import { OperatorKeys } from './operator-keys.ts';

/** Scripts go on writing for the page for this long after it was last mounted. */
const MOUNTED_TTL_S = 7 * 24 * 3_600;
/** While the page is mounted, its keys are renewed this often. */
const RENEW_EVERY_MS = 600_000;
/** The wait before the next try, if Redis is away or another process indexes. */
const RETRY_MS = 5_000;
const KEYS_PER_STEP = 500;
const STEP_PAUSE_MS = 100;
/** The lease of the process that indexes. Each step renews it. */
const LEASE = 'operator';
const LEASE_MS = 30_000;
/** What the key `indexed` holds when all tasks are indexed. Before that, it holds the cursor of SCAN. */
const DONE = 'done';
/** The end of a key of a record: `task:` and a UUID. Other keys of a task have more behind it. */
const ID = /[0-9a-f-]{36}$/;

/** What is needed of Redis. */
export interface MountingRedis extends CommandRunner {
  lease(name: string, holder: string, ms: number): Promise<boolean>;
  definitions(): Promise<readonly string[]>;
}

export class Mounting {
  readonly #redis: MountingRedis;
  readonly #holder: string;
  readonly #keys: OperatorKeys;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | null = null;

  /** @param holder unique among processes */
  constructor(redis: MountingRedis, holder: string) {
    this.#redis = redis;
    this.#holder = holder;
    this.#keys = new OperatorKeys(redis.keys.prefix);
  }

  /** Whether the tasks that were stored before the page was mounted are all indexed. @throws TaskError `store_unavailable` */
  async isIndexed(): Promise<boolean> {
    return (await this.#redis.send((client) => client.get(this.#keys.indexed))) === DONE;
  }

  /** Mounts the page, and keeps it mounted until {@link close}. The timer does not keep the process alive. */
  start(): void {
    void this.#renewAndFill()
      .catch(() => false)
      .then((isDone) => {
        if (this.#closing.signal.aborted) return;
        this.#timer = setTimeout(() => this.start(), isDone ? RENEW_EVERY_MS : RETRY_MS).unref();
      });
  }

  close(): void {
    this.#closing.abort();
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Renews the keys, and indexes. @returns whether there is nothing more to do for now @throws TaskError `store_unavailable` */
  async #renewAndFill(): Promise<boolean> {
    await this.#renew();
    if (await this.isIndexed()) return true;
    if (!(await this.#redis.lease(LEASE, this.#holder, LEASE_MS))) return false;
    await this.#fill();
    await this.#redis.send((client) => client.del(this.#redis.keys.lease(LEASE)));
    return true;
  }

  /** Renews the time that the keys of the page are kept. */
  async #renew(): Promise<void> {
    const { mounted, names, indexed, version, audit } = this.#keys;
    await this.#redis.send((client) => client.set(mounted, '', { EX: MOUNTED_TTL_S }));
    const known = new Set([
      ...(await this.#redis.definitions()),
      ...(await this.#redis.send((client) => client.sMembers(names))),
    ]);
    const sets = [...known].flatMap((name) => [
      ...STATUSES.map((status) => this.#keys.tasks(name, status)),
      this.#keys.runs(name),
    ]);
    await this.#redis.send((client) =>
      Promise.all([...sets, names, indexed, version, audit].map((key) => client.expire(key, MOUNTED_TTL_S))),
    );
  }

  /** Goes through all keys from where the last process stopped. */
  async #fill(): Promise<void> {
    const { signal } = this.#closing;
    const taskPrefix = this.#redis.keys.task('');
    // Characters that have a meaning in a pattern of Redis.
    const pattern = `${taskPrefix.replace(/[[\]*?\\^]/g, '\\$&')}*`;
    let cursor = (await this.#redis.send((client) => client.get(this.#keys.indexed))) ?? '0';
    do {
      const options = { MATCH: pattern, COUNT: KEYS_PER_STEP };
      // A user without the right to SCAN is no failure of Redis, so it is not told as one.
      const step = await this.#redis.send((client) =>
        client.scan(cursor, options).catch((error: unknown) => {
          if (error instanceof Error && error.message.startsWith('NOPERM')) return null;
          throw error;
        }),
      );
      if (step === null) return;
      const ids = step.keys
        .filter((key) => ID.test(key) && key.length === taskPrefix.length + 36)
        .map((key) => key.slice(taskPrefix.length));
      for (let n = 0; n < ids.length; n += INDEXED_AT_ONCE) {
        await indexTasks(this.#redis, ids.slice(n, n + INDEXED_AT_ONCE));
      }
      cursor = step.cursor;
      const reached = cursor === '0' ? DONE : cursor;
      await this.#redis.send((client) => client.set(this.#keys.indexed, reached, { EX: MOUNTED_TTL_S }));
      await this.#redis.lease(LEASE, this.#holder, LEASE_MS);
      if (cursor !== '0') await delay(STEP_PAUSE_MS, signal);
    } while (cursor !== '0' && !signal.aborted);
  }
}
