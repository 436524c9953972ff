/**
 * The options of `createOperator`, and their checks. TypeScript checks them too, but plain JavaScript passes anything.
 * `tasks` is not checked here: `TaskOperations` does that.
 */

import type { Request } from 'express';
import type { Backend } from '../backend/backend.ts';
import { refuseOtherMajor } from '../backend/origin.ts';
import { ConfigError } from '../core/config-error.ts';
import type { OperatorRole } from '../core/operator/calls.ts';
import type { AnyTaskDefinition } from '../core/tasks/definition.ts';
import { isObject, refuseOptions, requireOption } from '../core/values/options.ts';
import { cut, describe } from '../core/values/text.ts';

/** What an operator may do; null for nothing. `who` stands in the log and in the audit log. */
export type Allowed = OperatorRole | { readonly role: OperatorRole; readonly who: string } | null;

/** Says what the sender of a request may do. null and undefined: they may not see the page. */
export type Allow = (req: Request) => Allowed | undefined | Promise<Allowed | undefined>;

/** What `createOperator` takes. */
export interface OperatorOptions {
  /** What `createBackend` gives. The page needs Redis, so not what `createMemoryBackend` gives. */
  readonly backend: Backend;
  /** The definitions whose tasks may be retried here. */
  readonly tasks: readonly AnyTaskDefinition[];
  /**
   * Who may look (`'view'`) and who may act (`'act'`). Whoever gets null is told 404, as if there were no page. `allow` is
   * called at each request. For the stream of an open page it is called again every 15 s, with the request that opened the
   * stream. A stream ends after 10 minutes, and the page opens another with a new request.
   *
   * @example
   * allow: (req) => (req.session.isAdmin ? { role: 'act', who: req.session.userId } : null)
   */
  readonly allow: Allow;
  /** Shows inputs, results, checkpoints and notes of tasks. They are the users' data. Default false. */
  readonly payloads?: boolean;
}

/** Who uses the page. */
export interface OperatorUser {
  readonly role: OperatorRole;
  readonly who: string | null;
}

/** The longest name of an operator, in characters. The rest is cut off. */
const MAX_WHO_LENGTH = 200;
const EXPECTED = "'view', 'act', { role, who } or null";

/** @throws ConfigError `invalid_options` */
export function checkOperatorOptions(options: OperatorOptions): void {
  if (!isObject(options)) {
    refuseOptions(`createOperator: expected options like { backend, tasks, allow }, got ${describe(options)}.`);
  }
  const { backend, allow, payloads } = options;
  refuseOtherMajor('createOperator', backend);
  const hasRedis = isObject(backend) && typeof (backend.redis as { send?: unknown } | undefined)?.send === 'function';
  requireOption(hasRedis, 'createOperator: backend', 'what createBackend gives: the page needs Redis', backend);
  requireOption(
    typeof allow === 'function',
    'createOperator: allow',
    `a function from a request to ${EXPECTED}: without it, nobody could use the page`,
    allow,
  );
  const isFlag = payloads === undefined || typeof payloads === 'boolean';
  requireOption(isFlag, 'createOperator: payloads', 'true or false', payloads);
}

/**
 * Reads what `allow` gave.
 * @returns null if they may not see the page
 * @throws ConfigError `invalid_options` if it is not an `Allowed`
 */
export function readAllowed(allowed: unknown): OperatorUser | null {
  if (allowed === null || allowed === undefined) return null;
  if (isRole(allowed)) return { role: allowed, who: null };
  const { role, who } = isObject(allowed) ? (allowed as { role?: unknown; who?: unknown }) : {};
  if (isRole(role) && typeof who === 'string') return { role, who: cut(who, MAX_WHO_LENGTH) };
  throw new ConfigError('invalid_options', `createOperator: allow must give ${EXPECTED}, got ${describe(allowed)}.`);
}

function isRole(value: unknown): value is OperatorRole {
  return value === 'view' || value === 'act';
}
