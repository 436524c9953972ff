// An app with the HTTP fallback in front of a bus that the test plays, for the tests of the fallback.
import { createServer, type Server } from 'node:http';
import { afterEach } from '@jest/globals';
import compression from 'compression';
import express from 'express';
import type { Log } from '../../../backend/log/log.ts';
import { attachFallback, type Fallback } from '../../../server/fallback/attach.ts';
import type { FallbackLimits, FallbackOptions } from '../../../server/fallback/options.ts';
import { eventually } from '../eventually.ts';
import { startHttpServer } from '../http-server.ts';
import { recordLog } from '../log.ts';
import { backendOn, NO_BUS } from '../parts.ts';
import { type BusStandIn, startBusStandIn } from './bus-stand-in.ts';
import { FallbackClient } from './fallback-client.ts';

/** The application's key at the bus. */
export const KEY = 'app-key';

/** An app with the fallback, and its bus. */
export interface Bridge {
  readonly url: string;
  readonly bus: BusStandIn;
  readonly fallback: Fallback;
  readonly server: Server;
  /** A client that has not sent anything yet. `headers` go with each of its requests. */
  client(headers?: Record<string, string>): FallbackClient;
}

/** Limits of the fallback, and what else a test wants to be different. */
export type BridgeOptions = Partial<FallbackLimits> & {
  readonly options?: Partial<FallbackOptions>;
  /** Whether the bus establishes connections and then says nothing: it answers no ping. */
  readonly isSilent?: boolean;
  /** The port at which the fallback looks for the bus. Default: the port of the bus. */
  readonly busPort?: number;
  readonly log?: Log;
};

/** For a file of tests: returns what starts a bridge, which is ended after its test. */
export function useBridge(): (options?: BridgeOptions) => Promise<Bridge> {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return async ({ options = {}, isSilent = false, busPort, log = recordLog(), ...limits } = {}) => {
    const bus = await startBusStandIn({ isSilent });
    const env = {
      ...NO_BUS,
      REDIS_URL: 'redis://127.0.0.1:1',
      PUSHER_KEY: KEY,
      PUSHER_PORT: String(busPort ?? bus.port),
    };
    const backend = backendOn(env, { log });
    const app = express();
    app.use(compression({ threshold: 0 }));
    app.get('/page', (_req, res) => void res.send('a page'));
    const server = createServer(app);
    const fallback = attachFallback(server, { backend, ...options, limits });
    const { url, close } = await startHttpServer(server);
    closers.push(async () => {
      fallback.close();
      await close();
      await Promise.all([bus.close(), backend.close()]);
    });
    return { url, bus, fallback, server, client: (headers) => new FallbackClient(url, KEY, headers, options.path) };
  };
}

/** The bus's end of a session. `index` counts its connections from 0, the oldest first. */
export function busOf(bridge: Bridge, index = 0) {
  return eventually(() => bridge.bus.clients[index], { that: 'a connection to the bus' });
}

/** Event number `n` as the bus sends it, with `size` characters of two bytes more. */
export function event(n: number, size = 0): string {
  return JSON.stringify({ event: 'tick', channel: 'room', data: { n, fill: 'é'.repeat(size) } });
}

/** The numbers of the events that a client got, in order. */
export function numbers(client: FallbackClient): number[] {
  return client.messages.filter(({ event }) => event === 'tick').map(({ data }) => (data as { n: number }).n);
}

/** The numbers 0 to `count` − 1: the {@link numbers} of a client that missed nothing. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** Code and reason of a line that closes a session; null for any other line. */
export function parseClose(line: string | undefined): unknown[] | null {
  return line?.startsWith('c') ? JSON.parse(line.slice(1)) : null;
}
