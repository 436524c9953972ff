/**
 * Answers the requests of the fallback: who may ask, which session is meant, and what it is to do. It serves `attach.ts`.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Backend } from '../../backend/backend.ts';
import type { EventMap } from '../../backend/events/event-map.ts';
import { Outage } from '../../backend/events/outage.ts';
import type { Endpoint } from '../../backend/push/bus/pusher-env.ts';
import { clientOf } from './access/client-address.ts';
import { Opener } from './access/opener.ts';
import { answerPreflight, fallbackSenderOf, isSecure, setCors } from './access/origin.ts';
import { refuse, refuseOtherClient, refuseUnavailable, refuseWrongKey } from './answers.ts';
import type { CheckedOptions } from './options.ts';
import type { FallbackRoute } from './route.ts';
import { answerSend } from './send-request.ts';
import { Session } from './session/session.ts';
import { type Entry, SessionTable } from './session/session-table.ts';
import type { WaitingTotal } from './session/waiting-messages.ts';

/** The client that sent a request. */
interface Client {
  /** As {@link clientOf} gives it. */
  readonly address: string;
  /** Whether it is a page of the application's own origin, or no page. From other origins, pusher-js sends no cookies. */
  readonly keepsCookies: boolean;
}

export class FallbackRequests {
  readonly #backend: Backend;
  readonly #options: CheckedOptions;
  /** The URL of the bus, without the client's own parameters. */
  readonly #busUrl: string;
  readonly #outage: Outage;
  readonly #sessions: SessionTable;
  readonly #waitingTotal: WaitingTotal = { used: 0 };
  #isClosed = false;

  constructor(backend: Backend, bus: Endpoint, options: CheckedOptions) {
    this.#backend = backend;
    this.#options = options;
    const host = bus.host.includes(':') && !bus.host.startsWith('[') ? `[${bus.host}]` : bus.host;
    this.#busUrl = `${bus.tls ? 'wss' : 'ws'}://${host}:${bus.port}/app/${backend.pusher.key}`;
    const { events } = backend;
    this.#outage = new Outage({
      began: (news) => events.emit('fallback.outage.began', () => news),
      ended: (news) => events.emit('fallback.outage.ended', () => news),
    });
    this.#sessions = new SessionTable(options.limits);
  }

  /** How many sessions there are, including closed ones that are not forgotten yet. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Tells clients to connect again, and opens no more sessions. */
  close(): void {
    this.#isClosed = true;
    this.#sessions.endAll({ code: 4_200, reason: 'The server is about to end' });
  }

  /** Answers one request, at once or when there is something to tell. @param route what its URL asks for */
  answer(req: IncomingMessage, res: ServerResponse, route: FallbackRoute): void {
    const { allowedOrigins, trust } = this.#options;
    const sender = fallbackSenderOf(req, allowedOrigins, trust);
    if (sender === 'foreign') {
      this.#noteRefused('foreign_origin');
      refuse(res, 403, 'forbidden_origin', 'Pages of this origin may not connect here.');
      return;
    }
    setCors(req, res);
    if (req.method === 'OPTIONS') {
      answerPreflight(res);
      return;
    }
    if (req.method !== 'POST') {
      res.setHeader('Allow', 'POST, OPTIONS');
      refuse(res, 405, 'method_not_allowed', `Expected POST, got ${req.method}.`);
      return;
    }
    this.#answerClient(req, res, route, { address: clientOf(req, trust), keepsCookies: sender !== 'listed' });
  }

  #answerClient(req: IncomingMessage, res: ServerResponse, route: FallbackRoute, client: Client): void {
    const found = this.#sessions.find(route.session);
    const isOpener = !found || found.opener.hasSent(req, client.address);
    if (!isOpener && !this.#mayProve(req, route, found, client)) {
      this.#noteRefused('not_its_opener');
      refuseOtherClient(res);
      return;
    }
    found?.opener.setCookie(res, isSecure(req, this.#options.trust));
    if (route.verb === 'send') {
      void answerSend(req, res, found, isOpener, { bus: this.#backend.bus, limits: this.#options.limits });
      return;
    }
    // pusher-js sends no body here. A body that comes anyway is dropped.
    req.resume();
    if (route.key !== this.#backend.pusher.key) {
      this.#noteRefused('wrong_key');
      refuseWrongKey(res);
      return;
    }
    // A session that this process does not know is opened. For pusher-js it may be open already (in another instance, or
    // before a restart). Then pusher-js takes the opening line as the loss of its session, and connects again.
    const entry = found ?? this.#open(req, res, route, client);
    entry?.session.receive(route.verb, res);
  }

  /**
   * Whether a request that is not recognized may go on. A client without cookies proves who it is with a subscription that
   * it sends (`send-request.ts`). A client that polls has to poll before it can send one.
   */
  #mayProve(req: IncomingMessage, route: FallbackRoute, { opener, session }: Entry, { address }: Client): boolean {
    if (!opener.couldHaveSent(req, address)) return false;
    return route.verb === 'send' || (route.verb === 'poll' && session.isPolled);
  }

  #open(req: IncomingMessage, res: ServerResponse, route: FallbackRoute, client: Client): Entry | null {
    const { limits, publicUrl, trust } = this.#options;
    const { address, keepsCookies } = client;
    if (this.#isClosed) {
      this.#noteRefused('closing');
      res.setHeader('Connection', 'close');
      refuseUnavailable(res);
      return null;
    }
    if (!this.#sessions.hasRoom(address)) {
      this.#noteRefused('too_many');
      res.setHeader('Retry-After', '10');
      refuse(res, 429, 'too_many_sessions', 'Too many connections over HTTP. Try again later.');
      return null;
    }
    const { events } = this.#backend;
    const openedAt = performance.now();
    const session = new Session({
      url: `${this.#busUrl}?${route.query || 'protocol=7'}`,
      limits,
      waitingTotal: this.#waitingTotal,
      refuseUnavailable,
      onConnection: (failure) => (failure === null ? this.#outage.succeeded() : this.#outage.failed(failure)),
      onForgotten: () => {
        this.#sessions.remove(route.session, address, entry);
        const seconds = (performance.now() - openedAt) / 1_000;
        events.emit('fallback.session.closed', () => ({ open: this.#sessions.size, seconds }));
      },
    });
    const path = `${publicUrl.path}/app/${route.key}/${route.session}`;
    const entry: Entry = { session, opener: new Opener(req, { keepsCookies, client: address, path }), bodies: 0 };
    this.#sessions.add(route.session, address, entry);
    events.emit('fallback.session.opened', () => ({ open: this.#sessions.size }));
    entry.opener.setCookie(res, isSecure(req, trust));
    return entry;
  }

  #noteRefused(why: EventMap['fallback.session.refused']['why']): void {
    this.#backend.events.emit('fallback.session.refused', () => ({ why }));
  }
}
