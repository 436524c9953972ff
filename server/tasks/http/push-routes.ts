/** The routes by which a page gets its connection to the bus: `GET /connection` and `POST /auth`. It serves the router. */

import type { Request, Response, Router } from 'express';
import { connectionInfo } from '../../../backend/push/bus/pusher-env.ts';
import { userIdOf } from '../../../core/channel.ts';
import type { ConnectionInfo } from '../../../core/wire.ts';
import { findFallback } from '../../fallback/registry.ts';
import { catchRejections } from '../../mounting/catch-rejections.ts';
import type { MountingOrder } from '../../mounting/order.ts';
import { readForm } from '../../mounting/request-body.ts';
import { refusal } from '../../problem.ts';
import { ownerOf } from './owner.ts';
import { formBody, MAX_BODY_BYTES } from './query.ts';
import type { RouterOptions } from './router-options.ts';

/** Adds both routes. @param order is told of each authorized channel */
export function addPushRoutes(router: Router, options: RouterOptions, order: MountingOrder): void {
  const { backend } = options;

  router.get('/connection', (req, res) => {
    const info: ConnectionInfo = {
      ...connectionInfo(backend.pusher, findFallback(backend, options.hostOf(req))),
      channel: backend.channelOf(ownerOf(res)),
      authEndpoint: `${options.pathOf(req)}/auth`,
    };
    res.json(info);
  });

  router.post('/auth', readForm(MAX_BODY_BYTES), catchRejections(authorize));

  /** Signs the owner's channel for a connection, or the owner's user id if the form names no channel. */
  async function authorize(req: Request, res: Response): Promise<void> {
    const { socket_id: socketId, channel_name: channel } = formBody(req);
    const owner = ownerOf(res);
    const own = backend.channelOf(owner);
    const isSignIn = options.userSignIn && channel === undefined;
    const hasSocket = typeof socketId === 'string' && /^\d+\.\d+$/.test(socketId);
    if (!hasSocket || (channel !== own && !isSignIn)) {
      const why = hasSocket ? 'not_own_channel' : 'socket_id';
      backend.events.emit('channel.refused', () => ({ why }));
      throw refusal('forbidden', 'You may enter no channel but your own.', 403);
    }
    if (isSignIn) return void res.json(backend.bus.authorizeUser(socketId, userIdOf(owner)));
    // A failure does no harm. An owner about whom nothing is stored counts as watched. If something is stored, the webhook of
    // the bus also notes that the channel is watched.
    backend.redis.noteWatched(own, owner).catch(() => undefined);
    order.noteAuthorized(performance.now());
    res.json(backend.bus.authorize(socketId, own));
  }
}
