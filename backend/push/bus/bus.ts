/**
 * The only file that knows the Pusher SDK. It serves the publisher, which sends batches, and the server, which authorizes
 * channels and checks webhooks.
 *
 * For each request to the bus, this file does three things that the SDK leaves to its caller. It sets one deadline for headers
 * and body together. It reads the body, since Soketi may answer 200 with an error inside. It keeps the signed URL out of errors.
 */

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Readable } from 'node:stream';
import tls from 'node:tls';
import Pusher from 'pusher';
import { MAX_BATCH_EVENTS } from '../../../core/limits.ts';
import { isObject } from '../../../core/values/options.ts';
import { DeadlineError, withDeadline } from '../../async.ts';
import type { Endpoint, PusherOptions } from './pusher-env.ts';
import { parseWebhook, type Webhook } from './webhook-body.ts';

/** How long the bus may take for a whole answer, headers and body. */
const DEFAULT_DEADLINE_MS = 5_000;
/** How long `isReachable` waits for a connection. */
const CONNECT_DEADLINE_MS = 2_000;
/** An answer is `{}` or a short error, far below 64 KB. */
const MAX_ANSWER_LENGTH = 65_536;
/** Statuses that are about the events sent: malformed (400, 422), too big (413). Others are about the bus or our keys. */
const EVENT_FAULTS: readonly (number | null)[] = [400, 413, 422];
/** How many requests are under way at most. Events wait in the outbox meanwhile, where newer ones replace them. */
export const MAX_REQUESTS = 4;

/** One event, ready to be sent. */
export interface BusEvent {
  readonly channel: string;
  readonly name: string;
  /** JSON text. */
  readonly data: string;
}

/** Why the bus did not take a request. The message names no key, signature or URL. */
export class BusError extends Error {
  override readonly name = 'BusError';
  /** HTTP status or error code of the bus; null when it did not answer. */
  readonly status: number | null;
  /**
   * Whether the same request may succeed later. True for everything but a fault of the events themselves: no answer, 429,
   * 5xx, a used-up quota (403), keys that are being changed (401), an application that is not there yet (404).
   */
  readonly retryable: boolean;

  constructor(message: string, status: number | null) {
    super(message);
    this.status = status;
    this.retryable = !EVENT_FAULTS.includes(status);
  }
}

export class Bus {
  readonly #pusher: Pusher;
  readonly #key: string;
  readonly #server: Endpoint;
  readonly #agent: http.Agent;
  readonly #deadline: number;
  /** The bus may quote these in its errors; ours must not. */
  readonly #secrets: readonly string[];
  readonly isEncrypted: boolean;

  /** @param settings `deadline`: how long the bus may take for a whole answer, in ms; default 5 s */
  constructor(options: PusherOptions, settings: { readonly deadline?: number } = {}) {
    this.#deadline = settings.deadline ?? DEFAULT_DEADLINE_MS;
    this.#secrets = [options.secret, options.key, options.encryptionKey].filter((secret) => secret !== null);
    this.#key = options.key;
    // The SDK builds the same host name from the cluster.
    this.#server = options.server ?? { host: `api-${options.cluster}.pusher.com`, port: 443, tls: true };
    this.isEncrypted = options.encryptionKey !== null;
    const isTls = this.#server.tls;
    // Twice as many as the publisher uses, so that other calls do not wait behind its requests.
    this.#agent = new (isTls ? https : http).Agent({ keepAlive: true, maxSockets: MAX_REQUESTS * 2 });
    this.#pusher = new Pusher({
      appId: options.appId,
      key: options.key,
      secret: options.secret,
      useTLS: isTls,
      timeout: this.#deadline,
      agent: this.#agent,
      ...(options.server
        ? { host: options.server.host, port: String(options.server.port) }
        : { cluster: options.cluster ?? '' }),
      ...(options.encryptionKey === null ? {} : { encryptionMasterKeyBase64: options.encryptionKey }),
    });
  }

  /** Sends 1 to 10 events in one request. @throws BusError */
  async send(events: readonly BusEvent[]): Promise<void> {
    // Not a BusError, which says what the bus did: this would be a bug of inloop.
    if (events.length > MAX_BATCH_EVENTS)
      throw new RangeError(`inloop: ${events.length} events in a batch of ${MAX_BATCH_EVENTS}`);
    // A copy, since the SDK writes into what it is given. The SDK itself makes JSON of data that it encrypts.
    const batch = events.map(({ channel, name, data }) => ({
      channel,
      name,
      data: this.isEncrypted ? JSON.parse(data) : data,
    }));
    await this.#call(() => this.#pusher.triggerBatch(batch));
  }

  /**
   * Whether the bus accepts a connection: TCP, or TLS with a valid certificate. That costs no message, and proves only that
   * something listens. Takes at most 2 s. Never rejects.
   */
  isReachable(): Promise<boolean> {
    const { host, port, tls: isTls } = this.#server;
    // A URL has an IPv6 address in brackets; a socket takes it without.
    const options = { host: host.replace(/^\[|\]$/g, ''), port };
    return new Promise((resolve) => {
      // TLS forbids an IP address as the server's name.
      const name = net.isIP(options.host) === 0 ? { servername: options.host } : {};
      const socket = isTls ? tls.connect({ ...options, ...name }) : net.connect(options);
      const end = (isReached: boolean) => {
        socket.destroy();
        resolve(isReached);
      };
      // Not `socket.setTimeout`: each step of a slow handshake would start it again.
      const timer = setTimeout(() => end(false), CONNECT_DEADLINE_MS);
      socket.once('close', () => clearTimeout(timer));
      socket.once(isTls ? 'secureConnect' : 'connect', () => end(true)).once('error', () => end(false));
    });
  }

  /** What pusher-js needs to enter a private channel. The caller has checked that the user may enter it. */
  authorize(socketId: string, channel: string): Readonly<Record<string, string>> {
    return { ...this.#pusher.authorizeChannel(socketId, channel) };
  }

  /** What pusher-js needs to sign in as `userId` (`userIdOf` of core/channel.ts). The caller has checked that this is the user. */
  authorizeUser(socketId: string, userId: string): Readonly<Record<string, string>> {
    return { ...this.#pusher.authenticateUser(socketId, { id: userId }) };
  }

  /** Ends every connection that signed in as `userId` (`userIdOf` of core/channel.ts). Others stay open. @throws BusError */
  async endConnections(userId: string): Promise<void> {
    await this.#call(() => this.#pusher.terminateUserConnections(userId));
  }

  /**
   * Whether anybody is on `channel`. An answer that does not say counts as yes, so that nobody misses a push.
   * @throws BusError
   */
  async isOccupied(channel: string): Promise<boolean> {
    const body = await this.#call(() => this.#pusher.get({ path: `/channels/${channel}` }));
    return (parseObject(body) as { occupied?: unknown } | null)?.occupied !== false;
  }

  /** Whether the headers of a webhook name our key and hold a text in the form of a signature. Does not need the body. */
  looksSigned(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
    const { 'x-pusher-key': key, 'x-pusher-signature': signature } = headers;
    return key === this.#key && typeof signature === 'string' && /^[0-9a-f]{64}$/.test(signature);
  }

  /**
   * The webhook in `rawBody`. `unsigned` if the signature is missing or wrong, or the body is not JSON: the SDK does not tell
   * these apart. `malformed` if the body is JSON, but not a webhook.
   */
  readWebhook(
    headers: Readonly<Record<string, string | string[] | undefined>>,
    rawBody: string,
  ): Webhook | 'unsigned' | 'malformed' {
    if (!this.looksSigned(headers)) return 'unsigned';
    let signed: Pusher.WebHook;
    try {
      signed = this.#pusher.webhook({
        // The SDK accepts only this content type. The request's own may name a charset, too.
        headers: { ...headers, 'content-type': 'application/json' },
        rawBody,
      } as unknown as Pusher.WebHookRequest);
      if (!signed.isValid()) return 'unsigned';
    } catch {
      return 'unsigned';
    }
    return parseWebhook(signed.getData()) ?? 'malformed';
  }

  close(): void {
    this.#agent.destroy();
  }

  async #call(request: () => Promise<unknown>): Promise<string> {
    const work = async () => {
      // Called inside an async function, since the SDK throws synchronously if an argument is invalid.
      const response = (await request()) as unknown as SdkResponse;
      return readBody(response.body);
    };
    let body: string;
    try {
      body = await withDeadline(work(), this.#deadline);
    } catch (thrown) {
      if (thrown instanceof DeadlineError) this.#dropConnections();
      throw toBusError(thrown, (text) => this.#redact(text));
    }
    if (body.length > MAX_ANSWER_LENGTH) this.#dropConnections();
    const error = errorIn(body);
    if (error) throw new BusError(`the bus refused: ${this.#redact(error.message)}`, error.code);
    return body;
  }

  /**
   * Closes all connections, since one of them has an answer that does not end. The SDK cannot close a single connection:
   * to destroy the body only stops reading it. Other requests under way fail and are repeated.
   */
  #dropConnections(): void {
    this.#agent.destroy();
  }

  /** What the bus said: at most 200 characters, without keys, signatures and the signed parts of a URL. */
  #redact(text: string): string {
    let quoted = text;
    for (const secret of this.#secrets) quoted = quoted.replaceAll(secret, '…');
    return quoted
      .replace(/auth_\w+=[^&\s"']*/g, '…')
      .replace(/\b[0-9a-f]{64}\b/gi, '…')
      .slice(0, 200);
  }
}

interface SdkResponse {
  readonly body: Readable;
}

async function readBody(stream: Readable): Promise<string> {
  let body = '';
  for await (const chunk of stream) {
    body += chunk;
    if (body.length > MAX_ANSWER_LENGTH) break;
  }
  return body;
}

/** Soketi's errors may come with status 200: `{"error": "…", "code": 400}`. */
function errorIn(body: string): { code: number; message: string } | null {
  const { error, code } = parseObject(body) ?? {};
  if (error === undefined) return null;
  return { code: typeof code === 'number' ? code : 400, message: String(error) };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** Keeps only parts without secrets: the SDK's errors have the signed URL in `url`, and network errors in the message, too. */
function toBusError(thrown: unknown, redact: (text: string) => string): BusError {
  const { status, body, error } = thrown as {
    status?: unknown;
    body?: unknown;
    error?: { code?: unknown; type?: unknown };
  };
  if (typeof status === 'number') {
    return new BusError(`the bus answered ${status}: ${redact(String(body ?? ''))}`, status);
  }
  const reason =
    error?.code ?? error?.type ?? (thrown instanceof Error && !('url' in thrown) ? thrown.message : 'network error');
  return new BusError(`no answer from the bus: ${redact(String(reason))}`, null);
}
