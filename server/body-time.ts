/**
 * A time limit for request bodies. Without it, a client that announces a body and does not send it holds a connection for
 * minutes. It serves the task router, webhooks, and the router of the operator's page.
 */

import type { RequestHandler } from 'express';
import { hasBody } from './mounting/request-body.ts';
import { refusal, sendProblem } from './problem.ts';

/**
 * Gives each body `ms` milliseconds to arrive, whether or not a handler reads it. After that, the request is answered with
 * 408 `body_timeout`, unless it was answered already, and the connection is closed.
 */
export function limitBodyTime(ms: number): RequestHandler {
  return (req, res, next) => {
    if (!hasBody(req) || req.complete) return next();
    const timer = setTimeout(() => {
      if (req.complete) return;
      if (res.headersSent) return void req.destroy();
      res.set('Connection', 'close');
      // Node closes the connection when the answer is sent.
      sendProblem(res, refusal('body_timeout', `The body did not arrive within ${ms} ms.`, 408));
    }, ms);
    req.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    next();
  };
}
