/** Errors as a browser gets them: RFC 9457, and nothing in them that was not meant to be shown. */

import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Response } from 'express';
import { consoleLog, type Log } from '../backend/log.ts';
import { asTaskError, TaskError } from '../core/error.ts';
import type { Problem } from '../core/wire.ts';

/** Answers with `error` as `application/problem+json`. */
export function sendProblem(res: Response, error: TaskError): void {
  const problem: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error.issues.length > 0 ? { errors: error.issues } : {}),
  };
  if (error.retryAfter !== null) res.set('Retry-After', String(error.retryAfter));
  res.status(error.status).type('application/problem+json').send(JSON.stringify(problem));
}

/**
 * Express error middleware: TaskErrors become what they say, body parser faults become 400 or 413, and anything
 * else a 500 that says nothing of it; the log has the rest.
 *
 * @example
 * app.use(problemHandler());
 */
export function problemHandler(options: { readonly log?: Log } = {}): ErrorRequestHandler {
  const log = options.log ?? consoleLog;
  return (thrown, req, res, next) => {
    if (res.headersSent) return next(thrown);
    const error = toTaskError(thrown);
    if (error.status >= 500 && error.status !== 503) {
      log.error(`${req.method} ${req.baseUrl}${req.path} failed`, { error: error.cause ?? error });
    }
    sendProblem(res, error);
  };
}

function toTaskError(thrown: unknown): TaskError {
  if (thrown instanceof TaskError) return thrown;
  const { type, status, limit } = (thrown ?? {}) as { type?: unknown; status?: unknown; limit?: unknown };
  if (type === 'entity.parse.failed') return refusal('invalid_json', 'The body is not valid JSON.', 400);
  if (type === 'entity.too.large') return refusal('too_large', `The body is larger than ${String(limit)} bytes.`, 413);
  // What express and its parsers refuse: a broken escape in the path, an unknown charset or encoding, an aborted request.
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return refusal('bad_request', 'The request could not be read.', status);
  }
  return asTaskError(thrown);
}

/** An error for a request that can not be granted, however often it is made. */
export function refusal(code: string, message: string, status: number): TaskError {
  return new TaskError(code, message, { retryable: false, status });
}
