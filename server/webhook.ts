/**
 * Takes the webhooks by which the bus tells that channels become occupied or vacant (`POST /webhook`). So inloop knows which
 * owners are watched: progress is pushed only to them. It serves the router. The bus signs its webhooks; no user sends them.
 *
 * There are two precautions. A channel is marked as watched only if a page of its owner was authorized before. If a webhook says
 * that the channel of an owner with active tasks is vacant, the bus is asked too. If it denies that, the owner counts as watched
 * again.
 */

import express, { type Request, type RequestHandler, type Router } from 'express';
import type { Webhook } from '../backend/push/bus/webhook-body.ts';
import type { ServerBackend } from '../backend/server-backend.ts';
import { isOwnerChannel } from '../core/channel.ts';
import { limitBodyTime } from './body-time.ts';
import { catchRejections } from './mounting/catch-rejections.ts';
import type { MountingOrder } from './mounting/order.ts';
import { rawOf, readText } from './mounting/request-body.ts';
import { problemHandler, refusal } from './problem.ts';

/** Largest webhook. Those of hosted Pusher are far smaller. */
const MAX_WEBHOOK_BYTES = 262_144;
/** How many channels of a webhook are noted in one round trip to Redis. That takes some 5 ms. */
const NOTED_AT_ONCE = 100;
/** Most channels that wait to be checked. If there are more, a channel counts as occupied without a check. */
const MAX_WAITING_CHECKS = 1_000;

/**
 * What answers webhooks, at whatever path it is mounted.
 * @param bodySeconds how long a body may take to arrive
 */
export function createWebhookRouter(backend: ServerBackend, order: MountingOrder, bodySeconds: number): Router {
  const checkVacancy = createVacancyCheck(backend);
  const checkHeaders: RequestHandler = (req, _res, next) => {
    // Checked before any byte of the body is read.
    if (!backend.bus.looksSigned(req.headers)) refuseUnsigned(backend);
    next();
  };
  const storeOccupancy = catchRejections(async (req, res) => {
    const webhook = readWebhook(req);
    if (webhook === 'malformed') {
      backend.events.emit('webhook.refused', () => ({ why: 'malformed' }));
      throw refusal(
        'invalid_webhook',
        'Expected {"time_ms": <milliseconds>, "events": [{"name", "channel"}, …]}.',
        400,
      );
    }
    const channels = [...occupancyIn(webhook, backend.bus.isEncrypted)];
    // Many in one round trip to Redis, because the bus waits at most 4 s for the answer. Not all, because a batch may name
    // thousands of channels, and the commands of all other requests would wait behind theirs.
    while (channels.length > 0) {
      await Promise.all(
        channels.splice(0, NOTED_AT_ONCE).map(async ([channel, event]) => {
          const noted = await backend.redis.noteWebhook(channel, event, webhook.at);
          if (noted === 'vacated') checkVacancy(channel);
        }),
      );
    }
    res.json({});
  });
  const router = express.Router();
  router.use(limitBodyTime(bodySeconds * 1_000));
  router.use(checkHeaders, readText(MAX_WEBHOOK_BYTES), storeOccupancy);
  router.use(problemHandler({ log: backend.log }));
  return router;

  function readWebhook(req: Request) {
    const raw = rawOf(req);
    const webhook = raw === null ? 'unsigned' : backend.bus.readWebhook(req.headers, raw.text);
    if (webhook !== 'unsigned') {
      order.noteWebhook();
      return webhook;
    }
    // The signature is that of the raw body. The parsed one, made a text again, may be spelled differently.
    if (raw?.isRebuilt) order.noteParsedWebhook();
    refuseUnsigned(backend);
  }
}

/**
 * What a webhook says of owners' channels. All events of a batch have the same time. Of several about one channel, the last
 * counts.
 */
function occupancyIn({ events }: Webhook, isEncrypted: boolean): Map<string, 'opened' | 'vacated'> {
  const changes = new Map<string, 'opened' | 'vacated'>();
  for (const { name, channel } of events) {
    if (channel === null || !isOwnerChannel(channel, { encrypted: isEncrypted })) continue;
    if (name === 'channel_occupied') changes.set(channel, 'opened');
    if (name === 'channel_vacated') changes.set(channel, 'vacated');
  }
  return changes;
}

/**
 * Makes a function that asks the bus whether a channel is really vacant, one channel at a time. A webhook may be wrong or late,
 * and then an open page would get no progress. If the bus does not answer, the channel counts as occupied.
 */
function createVacancyCheck(backend: ServerBackend): (channel: string) => void {
  const waiting = new Set<string>();
  let isAsking = false;
  const markWatched = (channel: string) => backend.redis.noteWatched(channel).catch(() => undefined);
  const askAll = async () => {
    isAsking = true;
    for (const channel of waiting) {
      waiting.delete(channel);
      const isOccupied = backend.publisher.isDown || (await backend.bus.isOccupied(channel).catch(() => true));
      if (isOccupied) await markWatched(channel);
    }
    isAsking = false;
  };
  return (channel) => {
    if (waiting.size >= MAX_WAITING_CHECKS) void markWatched(channel);
    else waiting.add(channel);
    if (!isAsking) void askAll();
  };
}

function refuseUnsigned({ events }: ServerBackend): never {
  events.emit('webhook.refused', () => ({ why: 'unsigned' }));
  throw refusal('bad_signature', 'The signature of this webhook is missing or wrong.', 401);
}
