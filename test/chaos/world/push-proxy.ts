// A proxy between one Pusher client and Soketi that loses, doubles and reorders pushed events.
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { Random } from '../random.ts';

/** The probability of each fault for a pushed task event, 0 to 1. */
export interface Trouble {
  readonly drop: number;
  readonly double: number;
  readonly delay: number;
}

export const NO_TROUBLE: Trouble = { drop: 0, double: 0, delay: 0 };
/** The longest delay of an event, in ms. Events that are pushed meanwhile overtake it. */
const LONGEST_DELAY_MS = 1_500;

export interface PushProxy {
  readonly port: number;
  /** How many task events Soketi has sent (`events`), and how often each fault happened to one. */
  readonly counts: { events: number; dropped: number; doubled: number; delayed: number };
  /** Called with every task event that Soketi sent, before any fault. */
  onEvent: ((event: { readonly channel: string; readonly data: string }) => void) | null;
  cause(trouble: Trouble): void;
  /** Ends its connections and refuses new ones until it is online again. */
  setOnline(isOnline: boolean): void;
  close(): Promise<void>;
}

/** @param upstream Soketi, which the proxy connects pages to */
export async function startPushProxy(upstream: { host: string; port: number }, random: Random): Promise<PushProxy> {
  let trouble = NO_TROUBLE;
  let isOnline = true;
  const timers = new Set<NodeJS.Timeout>();
  const counts = { events: 0, dropped: 0, doubled: 0, delayed: 0 };
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient: () => isOnline });
  await new Promise((resolve) => server.once('listening', resolve));
  const proxy: PushProxy = {
    port: (server.address() as AddressInfo).port,
    counts,
    onEvent: null,
    cause: (next) => {
      trouble = next;
    },
    setOnline(next) {
      isOnline = next;
      if (!isOnline) for (const client of server.clients) client.terminate();
    },
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  server.on('connection', (client, request) => {
    pair(client, `ws://${upstream.host}:${upstream.port}${request.url}`, (frame, deliver) => {
      const event = taskEvent(frame);
      if (!event) return deliver();
      counts.events += 1;
      proxy.onEvent?.(event);
      if (random.chance(trouble.drop)) {
        counts.dropped += 1;
        return;
      }
      if (random.chance(trouble.double)) {
        counts.doubled += 1;
        deliver();
      }
      if (random.chance(trouble.delay)) {
        counts.delayed += 1;
        const timer = setTimeout(
          () => {
            timers.delete(timer);
            deliver();
          },
          random.between(50, LONGEST_DELAY_MS),
        );
        timers.add(timer);
        return;
      }
      deliver();
    });
  });
  return proxy;
}

/**
 * Connects a client with Soketi. `onFrame` gets each frame that Soketi sends; `deliver` passes it on to the client, as often as it is
 * called.
 */
function pair(client: WebSocket, url: string, onFrame: (frame: string, deliver: () => void) => void): void {
  const soketi = new WebSocket(url);
  const waiting: string[] = [];
  client.on('message', (data) => {
    if (soketi.readyState === WebSocket.OPEN) soketi.send(String(data));
    else waiting.push(String(data));
  });
  soketi.on('open', () => {
    for (const frame of waiting.splice(0)) soketi.send(frame);
  });
  soketi.on('message', (data) => {
    const frame = String(data);
    onFrame(frame, () => {
      if (client.readyState === WebSocket.OPEN) client.send(frame);
    });
  });
  // An end of a WebSocket may not send all codes that it can receive, such as 1006. For those the connection is cut.
  soketi.on('close', (code) => (code >= 4_000 ? client.close(code) : client.terminate()));
  soketi.on('error', () => client.terminate());
  client.on('close', () => soketi.terminate());
  client.on('error', () => soketi.terminate());
}

function taskEvent(frame: string): { channel: string; data: string } | null {
  const message = JSON.parse(frame) as { event?: string; channel?: string; data?: string };
  if (!message.event?.startsWith('task.') || message.event === 'task.seen') return null;
  return { channel: message.channel ?? '', data: message.data ?? '' };
}
