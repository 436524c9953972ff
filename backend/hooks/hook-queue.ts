/**
 * The outcomes that wait for a hook: code of the application that is to run once for each outcome (`worker.onOutcome`), or
 * for each that its owner has not seen after some time (`worker.onUnseen`). It serves workers.
 *
 * A hook is registered under a name that ends with its delay in ms: `outcome:0`, `unseen:900000`. The step that stores an
 * outcome puts the task's id on the list of each registered hook (commit-change). So storing an outcome does not wait for
 * hooks, and a crash loses no call of a hook. Workers take what is due from the list for the time of a lease. A worker that
 * dies while a hook runs does not renew its lease, and another worker takes the task.
 *
 * A hook that no worker has registered for the backend's retention gets no more tasks, and its list expires.
 */

import { isFinished, type OutcomeSnapshot } from '../../core/tasks/snapshot.ts';
import type { CommandRunner } from '../store/commands/define-command.ts';
import { finishHook } from '../store/commands/hook/finish-hook.ts';
import { postponeHook } from '../store/commands/hook/postpone-hook.ts';
import { type DueHook, takeDueHooks } from '../store/commands/hook/take-due-hooks.ts';
import { decodeRecord, FIELD } from '../store/record.ts';

/** The name of the hook that runs at once. A task that its owner dismisses is kept until this hook has run. */
export const OUTCOME_HOOK = 'outcome:0';

/** The name of the hook for outcomes that were not seen after `ms`. */
export function unseenHook(ms: number): string {
  return `unseen:${Math.ceil(ms)}`;
}

/** An outcome and its owner, with the whole result. */
export interface OwnedOutcome {
  readonly owner: string;
  readonly snapshot: OutcomeSnapshot;
}

/** The outcomes that wait for hooks, as a worker uses them. */
export class HookQueue {
  readonly #redis: CommandRunner;

  constructor(redis: CommandRunner) {
    this.#redis = redis;
  }

  /** How long outcomes are kept, in ms. A hook that is due later finds none. */
  get retentionMs(): number {
    return this.#redis.retention * 1_000;
  }

  /** Says that workers run these hooks. Repeat it at least once in each retention. @throws TaskError `store_unavailable` */
  async register(hooks: readonly string[]): Promise<void> {
    const { keys } = this.#redis;
    const [seconds] = await this.#redis.send((client) => client.time());
    const score = Number(seconds) * 1_000;
    await this.#redis.send((client) =>
      client.zAdd(
        keys.hooks,
        hooks.map((hook) => ({ score, value: hook })),
      ),
    );
  }

  /** Takes at most `limit` tasks for which the hook is due, for `leaseMs`. @throws TaskError `store_unavailable` */
  take(hook: string, limit: number, leaseMs: number): Promise<readonly DueHook[]> {
    return takeDueHooks(this.#redis, hook, { leaseMs, limit });
  }

  /** Makes the hook due for this task `ms` from now, whenever it was due before. @throws TaskError `store_unavailable` */
  postpone(hook: string, id: string, ms: number): Promise<void> {
    return postponeHook(this.#redis, hook, id, ms);
  }

  /** The hook has run for this task, or need not run any more. @throws TaskError `store_unavailable` */
  finish(hook: string, id: string): Promise<void> {
    return finishHook(this.#redis, hook, id, { keepsDismissed: hook === OUTCOME_HOOK });
  }

  /**
   * The outcome of a task, even if its owner has dismissed it; null if it is no longer kept.
   * @throws TaskError `store_unavailable`
   */
  async read(id: string): Promise<OwnedOutcome | null> {
    const { keys } = this.#redis;
    const [snapshot = null, seenAt = null, result = null, owner = null, formerOwner = null] = await this.#redis.send(
      (client) =>
        client.hmGet(keys.task(id), [FIELD.snapshot, FIELD.seenAt, FIELD.result, FIELD.owner, FIELD.formerOwner]),
    );
    const fields = { snapshot, seenAt, result, owner: owner ?? formerOwner };
    const record = decodeRecord(fields, { result: true }, () => this.#redis.tellDamaged(id));
    if (record === null || !isFinished(record.snapshot)) return null;
    return { owner: record.owner, snapshot: record.snapshot };
  }
}
