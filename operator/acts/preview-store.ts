/** Keeps what an operator was shown before an act, in Redis, so that any server carries the act out. It serves `acts.ts`. */

import { randomBytes } from 'node:crypto';
import { OperatorKeys } from '../../backend/operator/operator-keys.ts';
import type { CommandRunner } from '../../backend/store/commands/define-command.ts';
import type { Act, ActTarget, AuditEntry } from '../../core/operator/acts.ts';
import { refusal } from '../../server/problem.ts';

/** How long a preview is good for. */
const PREVIEW_TTL_S = 600;
/** 18 random bytes in base64. */
const TOKEN = /^[\w-]{24}$/;

/** An act that was previewed, or that is under way. */
export interface Preview {
  readonly act: Act;
  readonly target: ActTarget;
  /** Who was shown it. Nobody else may carry it out. */
  readonly who: string | null;
  /** Tasks that were created after this time are left out. */
  readonly until: string;
  /** Where to go on; null at the beginning, and where each step takes what is left. */
  readonly cursor: string | null;
  /** The line in the list of acts about the steps so far; null before the first one. */
  readonly told: AuditEntry | null;
}

export class PreviewStore {
  readonly #redis: Pick<CommandRunner, 'keys' | 'send'>;
  readonly #keys: OperatorKeys;

  constructor(redis: Pick<CommandRunner, 'keys' | 'send'>) {
    this.#redis = redis;
    this.#keys = new OperatorKeys(redis.keys.prefix);
  }

  /** @returns its token @throws TaskError `store_unavailable` */
  async keep(preview: Preview): Promise<string> {
    const token = randomBytes(18).toString('base64url');
    const text = JSON.stringify(preview);
    await this.#redis.send((client) => client.set(this.#keys.preview(token), text, { EX: PREVIEW_TTL_S }));
    return token;
  }

  /** Takes a preview: it can be taken once. @throws TaskError `preview_expired` (409), `store_unavailable` */
  async take(token: unknown, act: Act, who: string | null): Promise<Preview> {
    const key = typeof token === 'string' && TOKEN.test(token) ? this.#keys.preview(token) : null;
    const text = key && (await this.#redis.send((client) => client.get(key)));
    const preview = text ? (JSON.parse(text) as Preview) : null;
    const isTaken = key !== null && preview?.act === act && preview.who === who;
    if (isTaken && (await this.#redis.send((client) => client.del(key))) === 1) return preview;
    throw refusal('preview_expired', 'This preview is older than 10 minutes or was used. Look again.', 409);
  }
}
