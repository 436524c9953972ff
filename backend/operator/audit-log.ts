/**
 * The audit log: what operators have done, the last 1,000 acts, in Redis. It serves the operator's page. The log of the process
 * that serves the page has all acts (`operator.acted`).
 */

import type { AuditEntry, AuditPage } from '../../core/operator/acts.ts';
import type { CommandRunner } from '../store/commands/define-command.ts';
import { OperatorKeys } from './operator-keys.ts';

const ENTRIES_KEPT = 1_000;

export class AuditLog {
  readonly #redis: Pick<CommandRunner, 'keys' | 'send'>;
  readonly #key: string;

  constructor(redis: Pick<CommandRunner, 'keys' | 'send'>) {
    this.#redis = redis;
    this.#key = new OperatorKeys(redis.keys.prefix).audit;
  }

  /**
   * Adds an entry about an act.
   * @param replaced the entry about the earlier steps of the same act, which is removed: 100 steps take one entry, not 100
   * @throws TaskError `store_unavailable`
   */
  async add(entry: AuditEntry, replaced: AuditEntry | null): Promise<void> {
    await this.#redis.send(async (client) => {
      if (replaced !== null) await client.lRem(this.#key, 1, JSON.stringify(replaced));
      await client.lPush(this.#key, JSON.stringify(entry));
      await client.lTrim(this.#key, 0, ENTRIES_KEPT - 1);
    });
  }

  /**
   * Reads a page, the newest entry first.
   * @param cursor how many of the newest entries to skip: 0, or `nextCursor` of the page before. An entry that was added since
   * then moves the others back by one, so the last entry of the page before comes once more.
   * @throws TaskError `store_unavailable`
   */
  async readPage(limit: number, cursor: number): Promise<AuditPage> {
    const lines = await this.#redis.send((client) => client.lRange(this.#key, cursor, cursor + limit - 1));
    return {
      entries: lines.map((line) => JSON.parse(line) as AuditEntry),
      nextCursor: lines.length === limit ? String(cursor + limit) : null,
    };
  }
}
