/**
 * Finds middleware that is mounted on the wrong side of the task router, and tells the operator, once for each kind. It serves
 * the router. Express keeps its middleware in a list that is no public interface, so this only helps to word a warning:
 * nothing depends on it.
 */

import type { Request, Response } from 'express';
import type { EventMap } from '../../backend/events/event-map.ts';
import type { Emitter } from '../../backend/events/events.ts';

/** An entry of Express's list. A router has a list of its own. */
interface Layer {
  readonly name?: unknown;
  readonly handle?: { readonly stack?: readonly Layer[] };
  readonly route?: { readonly stack?: readonly Layer[] };
}

/** Functions that find out who is signed in: `session`, `cookieParser`, `initialize` of passport, `requireAuth` and the like. */
const SIGN_IN = /session|cookie|passport|initialize|auth|login|jwt|user/i;

/**
 * The operator is told that webhooks are missing if none has come after 10 authorized channels and 60 s. Fewer channels prove
 * nothing: other instances of the server get webhooks, too.
 */
const WEBHOOK_MISSING_AFTER = { channels: 10, ms: 60_000 };

/** Watches the requests of one task router for signs of a wrong mounting order. Tells each kind of fault once. */
export class MountingOrder {
  readonly #events: Emitter;
  readonly #router: unknown;
  readonly #told = new Set<string>();
  #authorized = 0;
  #authorizedFirstAt = 0;
  #hasWebhooks = false;

  /** @param router the task router, as the application mounts it */
  constructor(events: Emitter, router: unknown) {
    this.#events = events;
    this.#router = router;
  }

  /** Call it when nobody is signed in, or `identify` failed: perhaps the session comes too late. */
  checkSession(req: Request): void {
    if (this.#told.has('session')) return;
    const names = namesAfter(req, this.#router).filter((name) => SIGN_IN.test(name));
    if (names.length > 0) this.#tell('session', names);
  }

  /**
   * Call it before the router sets CORS headers of its own. If the answer allows every origin already, the application has
   * mounted `cors()` before the router, and `cors()` answers preflights that the router should answer.
   */
  checkCors(res: Response): void {
    if (res.getHeader('Access-Control-Allow-Origin') === '*') this.#tell('cors', ['cors']);
  }

  /** Call it for a webhook that may be genuine: a parser has read its body, and the text that was signed is gone. */
  noteParsedWebhook(): void {
    this.#tell('webhook-body', ['express.json']);
  }

  /** Call it for each webhook. */
  noteWebhook(): void {
    this.#hasWebhooks = true;
  }

  /** Call it when a page may enter its channel. @param now on a clock that never goes back, in ms */
  noteAuthorized(now: number): void {
    if (this.#authorized++ === 0) this.#authorizedFirstAt = now;
    if (this.#hasWebhooks || this.#authorized < WEBHOOK_MISSING_AFTER.channels) return;
    if (now - this.#authorizedFirstAt >= WEBHOOK_MISSING_AFTER.ms) this.#tell('webhook', []);
  }

  #tell(what: EventMap['router.misplaced']['what'], names: readonly string[]): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#events.emit('router.misplaced', () => ({ what, names }));
  }
}

/** The names of the middleware that the application mounts after `router`; none if that cannot be found out. */
function namesAfter(req: Request, router: unknown): string[] {
  try {
    // Express 4 has `_router`, and throws for `router`. Express 5 has `router`.
    const { _router } = req.app as { _router?: { stack: Layer[] } };
    const { stack } = _router ?? (req.app as unknown as { router: { stack: Layer[] } }).router;
    const position = stack.findIndex((layer) => leadsTo(layer, router));
    return position < 0 ? [] : stack.slice(position + 1).flatMap(({ name }) => (typeof name === 'string' ? name : []));
  } catch {
    return [];
  }
}

/** Whether `router` is the handler of a layer, or is mounted somewhere inside it. */
function leadsTo({ handle, route }: Layer, router: unknown): boolean {
  if (handle === router) return true;
  return [handle?.stack, route?.stack].some((stack) => stack?.some((layer) => leadsTo(layer, router)) ?? false);
}
