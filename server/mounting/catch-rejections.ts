/** Lets the router's handlers be async functions on Express 4 as well, which does not look at the promise that they return. */

import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** A handler whose failures reach the error handlers, whether it throws or rejects. */
export function catchRejections<R extends Request = Request>(
  handler: (req: R, res: Response, next: NextFunction) => unknown,
): RequestHandler {
  return (req, res, next) => {
    const failed = (error: unknown) => next(error ?? new Error('A handler rejected without an error.'));
    try {
      const answer = handler(req as R, res, next);
      if (answer instanceof Promise) answer.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
