/** Whether the bus is up, what waits for it, and what it costs. It serves the operator's overview. */

import type { Backend } from '../../backend/backend.ts';
import { HOUR_MS, OperatorKeys } from '../../backend/operator/operator-keys.ts';
import type { BusOverview } from '../../core/operator/overview.ts';
import { PLANS } from './plans.ts';

/** Hosted Pusher counts an event when it is sent, and again for each page to which it is delivered. One open page is assumed. */
const MESSAGES_PER_EVENT = 2;
const DAYS_PER_MONTH = 30;
const ASSUMPTION =
  'Each event counts as two messages: sent once, and delivered to one open page. Webhooks and health checks come on top. The month is taken to go on as the last hour and the one under way.';

/** Reads the overview of the bus. Listens to the outages of the bus until {@link close}. */
export class BusCost {
  readonly #backend: Backend;
  readonly #keys: OperatorKeys;
  /** Since when the bus has not answered this process. Null while it does, or if the outage began before this object was made. */
  #outageSince: string | null = null;
  readonly #stopListening: readonly (() => void)[];

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#keys = new OperatorKeys(backend.redis.keys.prefix);
    this.#stopListening = [
      backend.on('push.outage.began', ({ since }) => {
        this.#outageSince = since;
      }),
      backend.on('push.outage.ended', () => {
        this.#outageSince = null;
      }),
    ];
  }

  /**
   * @param now ms by Redis' clock
   * @param tasksEnded how many tasks have ended in the last whole hour and the one under way
   * @throws TaskError `store_unavailable`
   */
  async read(now: number, tasksEnded: number): Promise<BusOverview> {
    const { redis, pusher, publisher } = this.#backend;
    const [backlog, [oldest], sent] = await redis.send((client) =>
      Promise.all([
        client.zCard(redis.keys.unpublished),
        client.zRangeWithScores(redis.keys.unpublished, 0, 0),
        client.hGetAll(this.#keys.sent),
      ]),
    );
    const hour = Math.floor(now / HOUR_MS);
    const eventsSent = Number(sent[hour] ?? 0) + Number(sent[hour - 1] ?? 0);
    const isDown = publisher.isDown || this.#outageSince !== null;
    return {
      kind: pusher.cluster === null ? 'own' : 'hosted',
      outage: isDown ? { since: this.#outageSince ?? new Date(now).toISOString() } : null,
      backlog,
      backlogSince: oldest === undefined ? null : new Date(oldest.score).toISOString(),
      // At 12:15 the last whole hour and the one under way are 1.25 h.
      ...estimateCost({ eventsSent, tasksEnded, hours: 1 + (now % HOUR_MS) / HOUR_MS }),
    };
  }

  /** Stops listening. */
  close(): void {
    for (const stop of this.#stopListening) stop();
  }
}

/** Estimates messages and cost. Pure. `hours`: in how many hours these events were sent. */
function estimateCost({
  eventsSent,
  tasksEnded,
  hours,
}: {
  readonly eventsSent: number;
  readonly tasksEnded: number;
  readonly hours: number;
}): Omit<BusOverview, 'kind' | 'outage' | 'backlog' | 'backlogSince'> {
  const messages = eventsSent * MESSAGES_PER_EVENT;
  const perDay = (messages / hours) * 24;
  const plan = PLANS.find(({ messagesPerDay }) => messagesPerDay >= perDay);
  return {
    eventsSent,
    tasksEnded,
    messagesPerTask: tasksEnded === 0 ? null : messages / tasksEnded,
    messagesPerMonth: eventsSent === 0 ? null : Math.round(perDay * DAYS_PER_MONTH),
    plan: plan ?? null,
    assumption: ASSUMPTION,
  };
}
