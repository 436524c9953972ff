// How long a pushed event takes to a browser, over each transport that pusher-js has: WebSocket straight to Soketi,
// HTTP streaming and HTTP polling by way of the app's fallback. Real Soketi, real Chromium, all on one machine.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import type { Browser } from 'playwright-core';
import type { Bus } from '../backend/bus.ts';
import { REPOSITORY } from '../dev/paths.ts';
import { attachFallback } from '../server/fallback/attach.ts';
import { launchChromium } from '../test/support/chromium.ts';
import { backendOn, startBus } from '../test/support/parts.ts';

const TRANSPORTS = ['ws', 'xhr_streaming', 'xhr_polling'] as const;

/** Milliseconds from the call that publishes to the callback in the page; one sample list a transport. */
export type TransportSamples = Readonly<Record<(typeof TRANSPORTS)[number], readonly number[]>>;

const PAGE = `<!doctype html><script src="/pusher.js"></script><script>
  window.follow = (key, options) => new Promise((resolve) => {
    const pusher = new Pusher(key, options);
    window.delays = [];
    const channel = pusher.subscribe('bench');
    channel.bind('tick', ({ at }) => window.delays.push(performance.timeOrigin + performance.now() - at));
    channel.bind('pusher:subscription_succeeded', () => resolve());
  });
</script>`;

export interface TransportOptions {
  /** How many times every transport has its turn. */
  readonly rounds: number;
  /** Events a turn. */
  readonly events: number;
  /** Between two events, in ms. */
  readonly pause: number;
  readonly log: (line: string) => void;
}

/** Measures every transport in turn, round by round, so that all meet the same machine. */
export async function measureTransports({ rounds, events, pause, log }: TransportOptions): Promise<TransportSamples> {
  const bus = await startBus();
  const backend = backendOn(bus.env);
  const app = express();
  app.get('/pusher.js', (_req, res) => res.sendFile(join(REPOSITORY, 'node_modules/pusher-js/dist/web/pusher.js')));
  app.get('/', (_req, res) => res.type('html').send(PAGE));
  const server = createServer(app);
  const fallback = attachFallback(server, { backend });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const samples: Record<(typeof TRANSPORTS)[number], number[]> = { ws: [], xhr_streaming: [], xhr_polling: [] };
  const browser: Browser = await launchChromium();
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const transport of TRANSPORTS) {
        const page = await browser.newPage();
        await page.goto(`http://127.0.0.1:${port}/`);
        const { key, port: wsPort } = bus.soketi.pusher;
        await page.evaluate(([appKey, options]) => (globalThis as unknown as Follow).follow(appKey, options), [
          key,
          {
            ...{ cluster: 'bench', forceTLS: false, enableStats: false, enabledTransports: [transport] },
            ...{ wsHost: '127.0.0.1', wsPort, httpHost: '127.0.0.1', httpPort: port, httpPath: '/pusher' },
          },
        ] as const);
        for (let n = 0; n < events; n++) {
          const at = performance.timeOrigin + performance.now();
          await publish(backend.bus, at);
          await new Promise((resolve) => setTimeout(resolve, pause));
        }
        await page.waitForFunction((count) => (globalThis as unknown as Follow).delays.length >= count, events);
        samples[transport].push(...(await page.evaluate(() => (globalThis as unknown as Follow).delays)));
        log(`round ${round} of ${rounds}: ${transport}, ${events} events`);
        await page.close();
      }
    }
    return samples;
  } finally {
    await browser.close();
    await fallback.close();
    server.closeAllConnections();
    server.close();
    await backend.close();
    await bus.stop();
  }
}

interface Follow {
  follow(key: string, options: object): Promise<void>;
  readonly delays: number[];
}

function publish(bus: Bus, at: number): Promise<void> {
  return bus.send([{ channel: 'bench', name: 'tick', data: JSON.stringify({ at }) }]);
}
