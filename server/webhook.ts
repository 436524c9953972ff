/**
 * What the bus tells of pages that open and close (`POST /webhook`): it decides who gets progress pushed. Serves the
 * router. Signed by the bus instead of sent by a user.
 *
 * Nothing here is taken on trust further than it reaches: a channel leaves a mark only where its owner's page was
 * authorized by us, and before a task's owner goes without progress, the bus is asked whether they are really gone.
 */

import express, { type RequestHandler } from 'express';
import type { Backend } from '../backend/backend.ts';
import { isOwnerChannel } from '../core/channel.ts';
import { refusal } from './problem.ts';

/** Hosted Pusher keeps them far smaller. */
const MAX_WEBHOOK_BYTES = 262_144;
/** Questions to the bus that may wait; while more do, pages count as open. */
const MAX_WAITING_CHECKS = 1_000;

/** The handlers of `POST /webhook`, in order. */
export function createWebhookHandlers(backend: Backend): RequestHandler[] {
  const confirm = confirmer(backend);
  const checkHeaders: RequestHandler = (req, _res, next) => {
    // Before a byte of the body is read.
    if (!backend.bus.looksSigned(req.headers)) throw unsigned();
    next();
  };
  const note: RequestHandler = async (req, res) => {
    const webhook = typeof req.body === 'string' ? backend.bus.webhook(req.headers, req.body) : 'unsigned';
    if (webhook === 'unsigned') throw unsigned();
    if (webhook === 'malformed') {
      throw refusal(
        'invalid_webhook',
        'Expected {"time_ms": <milliseconds>, "events": [{"name", "channel"}, …]}.',
        400,
      );
    }
    // Of what a batch says of one channel the last counts: all of it has the same time.
    const changes = new Map<string, 'opened' | 'vacated'>();
    for (const { name, channel } of webhook.events) {
      if (channel === null || !isOwnerChannel(channel, { encrypted: backend.bus.isEncrypted })) continue;
      if (name === 'channel_occupied') changes.set(channel, 'opened');
      if (name === 'channel_vacated') changes.set(channel, 'vacated');
    }
    // The bus waits for no more than 4 s, and a batch may name every page there is: one round trip for all of them.
    await Promise.all(
      [...changes].map(async ([channel, event]) => {
        const noted = await backend.redis.noteWebhook(channel, event, webhook.at);
        if (noted === 'vacated') confirm(channel);
      }),
    );
    res.json({});
  };
  return [checkHeaders, express.text({ type: () => true, limit: MAX_WEBHOOK_BYTES }), note];
}

/**
 * Asks the bus whether a channel is really vacant, of an owner with active tasks: the bus may have been wrong or late,
 * and a live page would get no progress. One question at a time; where there is no answer the page counts as open.
 */
function confirmer(backend: Backend): (channel: string) => void {
  const waiting = new Set<string>();
  let isAsking = false;
  const reopen = (channel: string) => backend.redis.noteWatched(channel).catch(() => undefined);
  const askAll = async () => {
    isAsking = true;
    for (const channel of waiting) {
      waiting.delete(channel);
      const isOccupied = backend.publisher.isDown || (await backend.bus.isOccupied(channel).catch(() => true));
      if (isOccupied) await reopen(channel);
    }
    isAsking = false;
  };
  return (channel) => {
    if (waiting.size >= MAX_WAITING_CHECKS) void reopen(channel);
    else waiting.add(channel);
    if (!isAsking) void askAll();
  };
}

function unsigned() {
  return refusal('bad_signature', 'The signature of this webhook is missing or wrong.', 401);
}
