// A stand-in for hosted Pusher's HTTP API, as strict as its documentation. For tests of what we send there. It checks method,
// path, signature and every limit, answers with the documented statuses, and can fail on demand.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { jest } from '@jest/globals';
import { generate } from 'selfsigned';

/** An event that was accepted. */
export interface TakenEvent {
  readonly channel: string;
  readonly name: string;
  /** The data as it came: JSON text, encrypted or not. */
  readonly data: string;
}

/** A request as it arrived, whether it was accepted or not. */
export interface HostedRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
  readonly status: number;
  /** The body of the answer. */
  readonly answer: string;
}

/** A fault of the service: `silent` never answers; `stuck` sends headers and a body that never ends. */
export type HostedFault = 'disabled' | 'over-quota' | 'unavailable' | 'rate-limited' | 'silent' | 'stuck';

export interface HostedPusher {
  readonly app: { readonly appId: string; readonly key: string; readonly secret: string };
  /** The environment of an application that uses it. Only the cluster says where the service is. */
  readonly env: Record<string, string>;
  readonly requests: HostedRequest[];
  readonly events: TakenEvent[];
  /** Every TLS connection to Pusher so far: where it was meant to go, and whether its certificate was to be checked. */
  readonly dialled: { readonly host: string; readonly port: number; readonly isVerified: boolean }[];
  fault: HostedFault | null;
  /** Added to the clock of the service, in seconds. */
  skew: number;
  close(): Promise<void>;
}

const CLUSTER = 'eu';
const HOST = `api-${CLUSTER}.pusher.com`;
const MAX_SKEW_S = 600;
let madeCertificate: ReturnType<typeof generate> | undefined;
const CHANNEL = /^[A-Za-z0-9_\-=@,.;]{1,164}$/;

/**
 * Starts the service on loopback, and sends this process's TLS connections to Pusher's hosts there. Nothing else about these
 * connections changes: the certificate, which is for Pusher's host, is checked as usual.
 */
export async function startHostedPusher(): Promise<HostedPusher> {
  // One certificate for all services that a test file starts: making a key takes longer than most tests.
  madeCertificate ??= generate([{ name: 'commonName', value: HOST }], {
    keySize: 2048,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: HOST }] }],
  });
  const certificate = await madeCertificate;
  const app = { appId: '1234567', key: '0123456789abcdef0123', secret: 'fedcba9876543210fedc' };
  const pusher: Omit<HostedPusher, 'close'> = {
    app,
    env: { PUSHER_APP_ID: app.appId, PUSHER_KEY: app.key, PUSHER_SECRET: app.secret, PUSHER_CLUSTER: CLUSTER },
    requests: [],
    events: [],
    dialled: [],
    fault: null,
    skew: 0,
  };
  const server = createServer({ key: certificate.private, cert: certificate.cert }, (req, res) => {
    void answer(pusher, req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const connect = tls.connect as (options: tls.ConnectionOptions) => tls.TLSSocket;
  const redirect = jest.spyOn(tls, 'connect').mockImplementation(((options: tls.ConnectionOptions) => {
    if (typeof options !== 'object' || !options.host?.endsWith('.pusher.com')) return connect(options);
    pusher.dialled.push({
      host: options.host,
      port: Number(options.port),
      isVerified: options.rejectUnauthorized !== false,
    });
    return connect({ ...options, host: '127.0.0.1', port, ca: certificate.cert });
  }) as typeof tls.connect);
  return Object.assign(pusher, {
    async close() {
      redirect.mockRestore();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function answer(pusher: Omit<HostedPusher, 'close'>, req: IncomingMessage, res: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of req.setEncoding('utf8')) body += chunk;
  const url = new URL(req.url ?? '', `https://${req.headers.host}`);
  const query = Object.fromEntries(url.searchParams);
  const [status, text, events] = judge(pusher, req, url.pathname, query, body);
  const { method = '', headers } = req;
  pusher.requests.push({ method, path: url.pathname, host: headers.host ?? '', query, body, status, answer: text });
  if (pusher.fault === 'silent') return;
  pusher.events.push(...events);
  res.writeHead(status, { 'content-type': status === 200 ? 'application/json' : 'text/plain' });
  if (pusher.fault === 'stuck') res.write('{');
  else res.end(text);
}

type Verdict = readonly [status: number, text: string, events: readonly TakenEvent[]];

function judge(
  pusher: Omit<HostedPusher, 'close'>,
  req: IncomingMessage,
  path: string,
  query: Readonly<Record<string, string>>,
  body: string,
): Verdict {
  const { fault, app } = pusher;
  if (fault === 'unavailable') return refuse(503, 'Service unavailable');
  if (fault === 'rate-limited') return refuse(429, 'Too many requests');
  const unsigned = checkSignature(app, pusher.skew, req.method ?? '', path, query, body);
  // Hosted Pusher quotes the request in its answer, with the signature.
  if (unsigned) return refuse(401, `${unsigned} (${req.url})`);
  if (fault === 'disabled') return refuse(403, 'The app is disabled');
  if (fault === 'over-quota') return refuse(403, 'The app is over its message quota');
  const resource = path.slice(`/apps/${app.appId}`.length);
  if (!path.startsWith(`/apps/${app.appId}/`)) return refuse(404, 'Unknown app');
  if (req.method === 'GET' && resource === '/channels') return [200, '{"channels":{}}', []];
  if (req.method !== 'POST' || (resource !== '/events' && resource !== '/batch_events'))
    return refuse(404, 'Not found');
  if (req.headers['content-type'] !== 'application/json') return refuse(400, 'Expected application/json');
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return refuse(400, 'The body is not valid JSON');
  }
  return resource === '/events' ? judgeEvent(parsed) : judgeBatch(parsed);
}

function judgeBatch(body: unknown): Verdict {
  const batch = isObject(body) ? body.batch : undefined;
  if (!Array.isArray(batch)) return refuse(400, 'Missing required parameter: batch');
  if (batch.length === 0 || batch.length > 10) return refuse(400, `Batch of ${batch.length}: expected 1 to 10 events`);
  const verdicts = batch.map((event: unknown) =>
    judgeEvent(isObject(event) ? { ...event, channels: [event.channel] } : event),
  );
  return verdicts.find(([status]) => status !== 200) ?? [200, '{}', verdicts.flatMap(([, , events]) => events)];
}

function judgeEvent(event: unknown): Verdict {
  if (!isObject(event)) return refuse(400, 'Expected an object');
  const { name, data, channels } = event;
  if (typeof name !== 'string' || name === '' || name.length > 200) return refuse(400, 'Invalid event name');
  if (name.startsWith('pusher:') || name.startsWith('pusher_internal:')) return refuse(400, 'Reserved event name');
  if (typeof data !== 'string') return refuse(400, 'data must be a string');
  if (!Array.isArray(channels) || channels.length === 0) return refuse(400, 'No channels');
  if (channels.length > 100) return refuse(400, 'More than 100 channels');
  for (const channel of channels) {
    if (typeof channel !== 'string' || !CHANNEL.test(channel)) return refuse(400, 'Invalid channel name');
    if (channel.startsWith('private-encrypted-')) {
      if (channels.length > 1) return refuse(400, 'An encrypted event goes to one channel');
      if (!isSealed(data)) return refuse(400, 'An encrypted event needs nonce and ciphertext');
    }
  }
  const bytes = Buffer.byteLength(data);
  if (bytes > 10_240) return refuse(413, `The data of this event has ${bytes} bytes, more than 10240`);
  return [200, '{}', (channels as string[]).map((channel) => ({ channel, name, data }))];
}

function checkSignature(
  app: HostedPusher['app'],
  skew: number,
  method: string,
  path: string,
  query: Readonly<Record<string, string>>,
  body: string,
): string | null {
  if (query.auth_key !== app.key) return 'Unknown auth_key';
  if (query.auth_version !== '1.0') return 'Unknown auth_version';
  const now = Date.now() / 1_000 + skew;
  if (!/^\d+$/.test(query.auth_timestamp ?? '') || Math.abs(Number(query.auth_timestamp) - now) > MAX_SKEW_S) {
    return 'Timestamp expired: it is more than 600 s off the time of the server';
  }
  if (body !== '' && query.body_md5 !== createHash('md5').update(body).digest('hex')) return 'Invalid body_md5';
  const signed = Object.entries(query)
    .filter(([name]) => name !== 'auth_signature')
    .map(([name, value]) => `${name.toLowerCase()}=${value}`)
    .sort()
    .join('&');
  const expected = createHmac('sha256', app.secret).update(`${method}\n${path}\n${signed}`).digest();
  const given = Buffer.from(query.auth_signature ?? '', 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected) ? null : 'Invalid signature';
}

function isSealed(data: string): boolean {
  try {
    const { nonce, ciphertext } = JSON.parse(data) as Record<string, unknown>;
    return Buffer.from(String(nonce), 'base64').length === 24 && Buffer.from(String(ciphertext), 'base64').length >= 16;
  } catch {
    return false;
  }
}

function refuse(status: number, text: string): Verdict {
  return [status, `${text}\n`, []];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
