/**
 * TaskError: what handlers throw, what the router answers, what the client rejects with.
 *
 * Its code and message are for the owner of the task and end up on a screen. {@link asTaskError} makes a TaskError of
 * anything else that is thrown. The message of that TaskError tells nothing about what was thrown. The log finds what was
 * thrown in its `cause`.
 */

import { ConfigError } from './config-error.ts';
import { MAX_ERROR_CODE_LENGTH, MAX_ERROR_MESSAGE_LENGTH } from './limits.ts';
import { cut } from './values/text.ts';

/** An error as a snapshot carries it: for people (`message`) and for programs (`code`). */
export interface TaskFailure {
  /** Stable, `snake_case`, at most 64 characters. */
  readonly code: string;
  /** One or two plain sentences, at most 500 characters. */
  readonly message: string;
  /** Whether trying again could help. */
  readonly retryable: boolean;
}

/** One thing that is wrong with an input: where, and what. */
export interface Issue {
  /** The way to the wrong value: keys and indexes from the root, empty for the root itself. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What a {@link TaskError} has besides its code and message. */
export interface TaskErrorOptions {
  /** Whether another attempt could succeed. Default true. */
  readonly retryable?: boolean;
  /** The HTTP status a router answers with. Default 500. */
  readonly status?: number;
  /** What is wrong with a refused input. */
  readonly issues?: readonly Issue[];
  /** Seconds after which a caller may try again (`Retry-After`). */
  readonly retryAfter?: number | null;
  /** The error behind this one, for the log. Never sent to a browser. */
  readonly cause?: unknown;
}

/**
 * An error whose code and message may be shown to the owner of the task.
 *
 * @example
 * throw new TaskError('no_email_column', 'The file has no column named "email".', { retryable: false });
 */
export class TaskError extends Error implements TaskFailure {
  override readonly name = 'TaskError';
  // `declare` keeps these fields out of the JavaScript, where the constructor sets them anyway: fewer bytes for a page.
  declare readonly code: string;
  declare readonly retryable: boolean;
  declare readonly status: number;
  declare readonly issues: readonly Issue[];
  declare readonly retryAfter: number | null;

  constructor(code: string, message: string, options: TaskErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryable = options.retryable ?? true;
    this.status = options.status ?? 500;
    this.issues = options.issues ?? [];
    this.retryAfter = options.retryAfter ?? null;
  }
}

const INTERNAL = { code: 'internal', message: 'Something went wrong on our side.' };

/**
 * `thrown` itself if it is a TaskError (of any copy of the package) with valid fields. If some fields are invalid (plain
 * JavaScript can set any value), a new TaskError with the valid ones. For anything else, a TaskError that tells nothing about
 * it; trying again does not help if it is a ConfigError. In the last two cases `thrown` is the cause, for the log. Never
 * throws, even if reading `thrown` does.
 */
export function asTaskError(thrown: unknown): TaskError {
  try {
    if (isConfigError(thrown)) {
      return new TaskError(INTERNAL.code, INTERNAL.message, { retryable: false, cause: thrown });
    }
    if (!isTaskError(thrown)) return new TaskError(INTERNAL.code, INTERNAL.message, { cause: thrown });
    if (isValid(thrown)) return thrown;
    const { code, message, retryable } = validFailure(thrown);
    return new TaskError(code, message, { retryable, ...validOptions(thrown), cause: thrown });
  } catch {
    // A proxy, or a property that throws when it is read.
    return new TaskError(INTERNAL.code, INTERNAL.message, { cause: thrown });
  }
}

/**
 * Whether `value` is a TaskError of this copy of the package, or of another one: the same application may hold two copies,
 * each with a class of its own.
 */
export function isTaskError(value: unknown): value is TaskError {
  return (
    value instanceof TaskError || (isNamed(value, 'TaskError') && FIELDS.every((name) => Object.hasOwn(value, name)))
  );
}

function isConfigError(value: unknown): value is ConfigError {
  return value instanceof ConfigError || (isNamed(value, 'ConfigError') && isText((value as { code?: unknown }).code));
}

function isNamed(value: unknown, name: string): value is object {
  return typeof value === 'object' && value !== null && (value as { name?: unknown }).name === name;
}

/** The part of `error` that goes into a snapshot, with texts cut to their limits. Invalid fields get defaults. */
export function validFailure(error: { readonly [K in keyof TaskFailure]: unknown }): TaskFailure {
  const { code, message, retryable } = error;
  return {
    code: isText(code) ? cut(code, MAX_ERROR_CODE_LENGTH) : INTERNAL.code,
    message: isText(message) ? cut(message, MAX_ERROR_MESSAGE_LENGTH) : INTERNAL.message,
    retryable: typeof retryable === 'boolean' ? retryable : true,
  };
}

/** The fields of a TaskError. Handlers set them; owners, routers and clients read them. */
const FIELDS = ['code', 'message', 'retryable', 'status', 'issues', 'retryAfter'] as const;

/** Whether each field is a valid value, and not a getter, which could give something else the next time. */
function isValid(error: TaskError): boolean {
  // Own properties that are not fields do not count: on Node 22 and newer, `stack` is a getter.
  const isPlain = FIELDS.every((name) => {
    const field = Object.getOwnPropertyDescriptor(error, name);
    // Reading the field as well finds a proxy that throws only when it is read.
    return field !== undefined && 'value' in field && field.value === error[name];
  });
  const { code, message, retryable, status, issues, retryAfter } = error;
  return (
    isPlain &&
    isText(code) &&
    code.length <= MAX_ERROR_CODE_LENGTH &&
    isText(message) &&
    message.length <= MAX_ERROR_MESSAGE_LENGTH &&
    typeof retryable === 'boolean' &&
    isStatus(status) &&
    Array.isArray(issues) &&
    isRetryAfter(retryAfter)
  );
}

function validOptions({ status, issues, retryAfter }: TaskError): TaskErrorOptions {
  return {
    status: isStatus(status) ? status : 500,
    issues: Array.isArray(issues) ? issues : [],
    retryAfter: isRetryAfter(retryAfter) ? retryAfter : null,
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Whether it is the status of an HTTP error, or 0, which the client's errors have if no answer came. */
function isStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && (value === 0 || (value >= 400 && value < 600));
}

function isRetryAfter(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
}

/** Whether `error` says that the store does not answer, or refuses for now (status 503). Trying again may help then. */
export function isUnavailable(error: unknown): error is TaskError {
  return isTaskError(error) && error.status === 503;
}
