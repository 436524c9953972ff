/** The HTTP contract (docs/protocol.md) as an Express router. It serves browsers, phones and curl. */

import express, { type RequestHandler, type Router } from 'express';
import { PROTOCOL_HEADER, PROTOCOL_VERSION, TIME_HEADER } from '../../../core/wire.ts';
import { limitBodyTime } from '../../body-time.ts';
import { MountingOrder } from '../../mounting/order.ts';
import { guardOrigins, TRACE_HEADERS } from '../../origins.ts';
import { problemHandler, refusal } from '../../problem.ts';
import { createWebhookRouter } from '../../webhook.ts';
import { requireOwner } from './owner.ts';
import { addPushRoutes } from './push-routes.ts';
import type { RouterOptions } from './router-options.ts';
import { addTaskRoutes } from './task-routes.ts';

/**
 * Makes the task router. `router` answers everything. `webhook` answers only the webhooks of the bus: an application that lets
 * in only signed-in users mounts it before its login, since the bus does not sign in.
 */
export function createRouter(options: RouterOptions): { readonly router: Router; readonly webhook: Router } {
  const { backend, origins, bodySeconds } = options;
  const router = express.Router();
  const order = new MountingOrder(backend.events, router);
  const webhook = createWebhookRouter(backend, order, bodySeconds);

  router.use(limitBodyTime(bodySeconds * 1_000));
  // Webhooks come before the checks of user and origin, because the bus sends and signs them, not a page.
  router.post('/webhook', webhook);
  router.use(addVersionAndTime(() => backend.clock.iso()));
  // With listed origins, this router answers preflights itself, and an application's `cors()` must not be mounted before it.
  router.use((_req, res, next) => {
    if (origins.listed.size > 0) order.checkCors(res);
    next();
  });
  router.use(
    guardOrigins(origins, {
      onRefused: (rule) => backend.events.emit('origin.refused', () => ({ rule })),
      moreHeaders: () => (backend.events.tracing ? TRACE_HEADERS : []),
    }),
  );
  router.use((req, _res, next) => {
    if (backend.events.tracing) backend.events.tracing.request(req.headers, next);
    else next();
  });
  router.use(requireOwner(backend, options.identify, order));
  addPushRoutes(router, options, order);
  addTaskRoutes(router, options);
  router.use((req) => {
    throw refusal('not_found', `There is no ${req.method} ${req.path.slice(0, 80)} here.`, 404);
  });
  router.use(problemHandler({ log: backend.log }));
  return { router, webhook };
}

/** Adds two headers: the protocol's version, and the time at which the answer leaves, since a request may wait 30 s for it. */
function addVersionAndTime(time: () => string): RequestHandler {
  return (_req, res, next) => {
    res.set(PROTOCOL_HEADER, String(PROTOCOL_VERSION));
    const { writeHead } = res;
    res.writeHead = ((...head: Parameters<typeof writeHead>) => {
      if (!res.headersSent) res.setHeader(TIME_HEADER, time());
      return writeHead.apply(res, head);
    }) as typeof writeHead;
    next();
  };
}
