/**
 * The one error type: what handlers throw, what the router answers, what the client rejects with.
 *
 * Its code and message are meant for the owner of the task and end up on a screen; anything else that is
 * thrown is turned into a TaskError once, by {@link asTaskError}, which keeps what it said to the log.
 */

/** An error as a snapshot carries it: for people (`message`) and for programs (`code`). */
export interface TaskFailure {
  /** Stable, `snake_case`, at most 64 characters. */
  readonly code: string;
  /** One or two plain sentences, at most 500 characters. */
  readonly message: string;
  /** Whether trying again could help. */
  readonly retryable: boolean;
}

/** One fault in some input: where, and what is wrong there. */
export interface Issue {
  /** The way to the faulty value: keys and indexes from the root, empty for the root itself. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface TaskErrorOptions {
  /** Whether another attempt could succeed. Default true. */
  readonly retryable?: boolean;
  /** The HTTP status a router answers with. Default 500. */
  readonly status?: number;
  /** Each fault of a refused input. */
  readonly issues?: readonly Issue[];
  /** Seconds after which a caller may try again (`Retry-After`). */
  readonly retryAfter?: number | null;
  /** What led here, for the log. Never sent to a browser. */
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
  readonly code: string;
  readonly retryable: boolean;
  readonly status: number;
  readonly issues: readonly Issue[];
  readonly retryAfter: number | null;

  constructor(code: string, message: string, options: TaskErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryable = options.retryable ?? true;
    this.status = options.status ?? 500;
    this.issues = options.issues ?? [];
    this.retryAfter = options.retryAfter ?? null;
  }

  /** The part of this error that a snapshot carries (which cuts what is too long). */
  toFailure(): TaskFailure {
    return { code: this.code, message: this.message, retryable: this.retryable };
  }
}

/** `thrown` itself where it is a TaskError; otherwise one that says nothing of it, with `thrown` as its cause. */
export function asTaskError(thrown: unknown): TaskError {
  if (thrown instanceof TaskError) return thrown;
  return new TaskError('internal', 'Something went wrong on our side.', { cause: thrown });
}
