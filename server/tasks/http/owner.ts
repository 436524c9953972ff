/** Finds out whose request it is, and keeps that for the routes. It serves the router. */

import type { Request, RequestHandler, Response } from 'express';
import { tellOnce } from '../../../backend/events/tell-once.ts';
import type { ServerBackend } from '../../../backend/server-backend.ts';
import { assertOwner } from '../../../core/channel.ts';
import { describe } from '../../../core/values/text.ts';
import { CHANNEL_HEADER } from '../../../core/wire.ts';
import { catchRejections } from '../../mounting/catch-rejections.ts';
import type { MountingOrder } from '../../mounting/order.ts';
import type { Identify } from '../../options.ts';
import { refusal } from '../../problem.ts';

/** Middleware that lets only requests of a signed-in user through, and names the user's channel in the answer. */
export function requireOwner(backend: ServerBackend, identify: Identify, order: MountingOrder): RequestHandler {
  return catchRejections(async (req, res, next) => {
    const owner = await identifyOwner(req, { backend, identify, order });
    res.locals.inloopOwner = owner;
    res.set(CHANNEL_HEADER, backend.channelOf(owner));
    res.set('Cache-Control', 'private, no-cache');
    next();
  });
}

/** Whose request is answered. Only for routes behind {@link requireOwner}. */
export function ownerOf(res: Response): string {
  return res.locals.inloopOwner as string;
}

/** @throws what `identify` throws; TaskError `unauthenticated` (401), `invalid_owner` (400) */
async function identifyOwner(
  req: Request,
  parts: { readonly backend: ServerBackend; readonly identify: Identify; readonly order: MountingOrder },
): Promise<string> {
  const { backend, identify, order } = parts;
  let owner: unknown;
  try {
    owner = await identify(req);
  } catch (error) {
    // Perhaps the application mounts its session after the router. This only tells the operator.
    order.checkSession(req);
    throw error;
  }
  if (owner !== null && owner !== undefined) {
    if (typeof owner !== 'string') tellOnce(backend.events, 'identify', describe(owner));
    assertOwner(owner);
    return owner;
  }
  if (owner === undefined) tellOnce(backend.events, 'identify-undefined', '');
  order.checkSession(req);
  throw refusal('unauthenticated', 'Sign in first.', 401);
}
