/** A time limit for bodies: a client that announces one and does not send it would hold a connection for minutes. */

import type { RequestHandler } from 'express';
import { refusal, sendProblem } from './problem.ts';

/**
 * Gives each body `ms` to arrive, whoever reads it, and also where nobody does. Then the answer is 408 `body_timeout`,
 * unless there was one already, and the connection ends.
 */
export function limitBodyTime(ms: number): RequestHandler {
  return (req, res, next) => {
    const hasBody = req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
    if (!hasBody || req.complete) return next();
    const timer = setTimeout(() => {
      if (req.complete) return;
      if (res.headersSent) return void req.destroy();
      res.set('Connection', 'close');
      // Node closes the connection once the answer is out.
      sendProblem(res, refusal('body_timeout', `The body did not arrive within ${ms} ms.`, 408));
    }, ms);
    req.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    next();
  };
}
