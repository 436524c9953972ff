/**
 * Keeps the acts that operators were shown a preview of, and how far each has come. They are in Redis, so any server can carry an
 * act out or go on with it. It serves `acts.ts`.
 */

import { randomBytes } from 'node:crypto';
import { OperatorKeys } from '../../backend/operator/operator-keys.ts';
import type { CommandRunner } from '../../backend/store/commands/define-command.ts';
import type { Act, ActTarget, AuditEntry } from '../../core/operator/acts.ts';
import { refusal } from '../../server/problem.ts';

/** How long a preview is good for. */
const PREVIEW_TTL_S = 600;
const TOKEN_BYTES = 18;
/** 18 bytes in base64url: 24 characters. */
const TOKEN = /^[\w-]{24}$/;

/** An act that was previewed, or that is under way. */
export interface Preview {
  readonly act: Act;
  readonly target: ActTarget;
  /** Who was shown it. Nobody else may carry it out. */
  readonly who: string | null;
  /** An act on a filter leaves out tasks that were created at this time or later. ISO 8601. */
  readonly until: string;
  /** The id after which the next step goes on. Null before the first step, and for `forget`: what a step has removed is not found again. */
  readonly cursor: string | null;
  /** The entry in the audit log about the steps so far; null before the first one. */
  readonly told: AuditEntry | null;
}

/** The previews in Redis. */
export class PreviewStore {
  readonly #redis: Pick<CommandRunner, 'keys' | 'send'>;
  readonly #keys: OperatorKeys;

  constructor(redis: Pick<CommandRunner, 'keys' | 'send'>) {
    this.#redis = redis;
    this.#keys = new OperatorKeys(redis.keys.prefix);
  }

  /** Stores a preview for 10 minutes. @returns the token to take it with @throws TaskError `store_unavailable` */
  async keep(preview: Preview): Promise<string> {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const text = JSON.stringify(preview);
    await this.#redis.send((client) => client.set(this.#keys.preview(token), text, { EX: PREVIEW_TTL_S }));
    return token;
  }

  /**
   * Takes a preview out of the store, so it can be taken only once.
   * @throws TaskError `preview_expired` (409), also if it is of another act or was shown to somebody else; `store_unavailable`
   */
  async take(token: unknown, act: Act, who: string | null): Promise<Preview> {
    const key = typeof token === 'string' && TOKEN.test(token) ? this.#keys.preview(token) : null;
    const text = key && (await this.#redis.send((client) => client.get(key)));
    const preview = text ? (JSON.parse(text) as Preview) : null;
    const isTheirs = key !== null && preview?.act === act && preview.who === who;
    // Of two calls at the same time, DEL answers 1 to only one.
    if (isTheirs && (await this.#redis.send((client) => client.del(key))) === 1) return preview;
    throw refusal('preview_expired', 'This preview is older than 10 minutes or was used. Look again.', 409);
  }
}
