/**
 * Errors as a browser gets them: RFC 9457 (`application/problem+json`). They contain only what the owner of a task may read.
 * It serves the routers, and the error handling of an application.
 */

import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Response } from 'express';
import { consoleLog, guardLog, type Log } from '../backend/log/log.ts';
import { asTaskError, TaskError } from '../core/error.ts';
import { MAX_ERROR_MESSAGE_LENGTH } from '../core/limits.ts';
import { cutIssues } from '../core/values/issues.ts';
import { cut } from '../core/values/text.ts';
import type { Problem } from '../core/wire.ts';

/** Answers with `given` as `application/problem+json`, at most about 20 KB: of many issues only the first are listed. */
export function sendProblem(res: Response, given: TaskError): void {
  const error = asTaskError(given);
  // An error of inloop's client has the status 0 if no answer came.
  const status = error.status >= 400 && error.status < 600 ? error.status : 500;
  const errors = cutIssues(error.issues);
  const problem: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: cut(error.message, MAX_ERROR_MESSAGE_LENGTH),
    code: error.code,
    ...(errors.length > 0 ? { errors } : {}),
  };
  if (error.retryAfter !== null) res.set('Retry-After', String(Math.ceil(error.retryAfter)));
  res.status(status).type('application/problem+json').send(JSON.stringify(problem));
}

/**
 * Express error middleware. It answers a TaskError with its status, code and message, and an error of Express or a body parser
 * with its status of 400 to 499. Anything else is answered with a 500 without details, which are in the log.
 *
 * @example
 * app.use(problemHandler());
 */
export function problemHandler(options: { readonly log?: Log } = {}): ErrorRequestHandler {
  const log = guardLog(options.log ?? consoleLog);
  return (thrown, req, res, next) => {
    // The client has gone away, or was told 408. There is nobody to answer.
    if (isAborted(thrown)) return void (res.writableEnded || res.destroy());
    if (res.headersSent) return next(thrown);
    const error = toTaskError(thrown);
    if (error.status >= 500 && error.status !== 503) {
      log.error(`${req.method} ${req.baseUrl}${req.path} failed`, { error: error.cause ?? error });
    }
    sendProblem(res, error);
  };
}

function isAborted(thrown: unknown): boolean {
  return fieldsOf(thrown).type === 'request.aborted';
}

function toTaskError(thrown: unknown): TaskError {
  const error = asTaskError(thrown);
  if (error === thrown || error.status !== 500) return error;
  const { type, status, limit } = fieldsOf(thrown);
  if (type === 'entity.parse.failed') return refusal('invalid_json', 'The body is not valid JSON.', 400);
  if (type === 'entity.too.large') return refusal('too_large', `The body is larger than ${String(limit)} bytes.`, 413);
  // Refused by Express or its parsers: a broken escape in the path, an unknown charset or encoding.
  if (typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 500) {
    return refusal('bad_request', 'The request could not be read.', status);
  }
  return error;
}

/** The fields that Express and its parsers give an error. What was thrown may be anything. */
function fieldsOf(thrown: unknown): { readonly type?: unknown; readonly status?: unknown; readonly limit?: unknown } {
  try {
    const { type, status, limit } = (thrown ?? {}) as Record<string, unknown>;
    return { type, status, limit };
  } catch {
    return {};
  }
}

/** An error for a request that would be refused again if it were repeated. */
export function refusal(code: string, message: string, status: number): TaskError {
  return new TaskError(code, message, { retryable: false, status });
}
