// The part `transports`: how long a pushed event takes to reach a page in Chromium, over each transport of pusher-js. The
// WebSocket goes to Soketi; HTTP streaming and HTTP polling go through the HTTP fallback of the app.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import { createBackend, pusherFromEnv } from 'inloop/backend';
import { attachFallback } from 'inloop/server';
import { chromium } from 'playwright-core';
import { REPOSITORY } from '../../../dev/paths.ts';
import { CHROMIUM_FLAGS, findChromium } from '../../../dev/setup/chromium.ts';
import { pause } from '../../measure/clock.ts';
import { median, percentile, ratio } from '../../measure/stats.ts';
import { figure, spread, table } from '../../measure/table.ts';
import { definePart, type Part } from '../../part.ts';
import { inRounds, type Rounds } from '../../rounds.ts';
import { createPusher } from '../../stacks/pusher-per-element.ts';

const NAMES = ['ws', 'xhr_streaming', 'xhr_polling'] as const;
/** The pause after each event. */
const PAUSE_MS = 20;

/** Milliseconds from the call that publishes to the callback in the page. */
type Figures = readonly number[];

const PAGE = `<!doctype html><script src="/pusher.js"></script><script>
  window.follow = (key, options) => new Promise((resolve) => {
    const pusher = new Pusher(key, options);
    window.delays = [];
    const channel = pusher.subscribe('bench');
    channel.bind('tick', ({ at }) => window.delays.push(performance.timeOrigin + performance.now() - at));
    channel.bind('pusher:subscription_succeeded', () => resolve());
  });
</script>`;

/** What the script of the page adds to its window. */
interface PageWindow {
  follow(key: string, options: object): Promise<void>;
  delays: number[];
}

export const transports: Part<unknown> = definePart<Rounds<(typeof NAMES)[number], Figures>>({
  name: 'transports',
  title: 'transports: from the call that publishes to the callback in the page (Chromium), one event every 20 ms',
  async measure({ services, quick, log }) {
    const events = quick ? 50 : 200;
    const executablePath = findChromium();
    if (executablePath === null) {
      throw new Error('This part needs Chromium. Run "npm test", which brings it, or set INLOOP_CHROMIUM to its path.');
    }
    const backend = createBackend({ redis: services.env.REDIS_URL, pusher: pusherFromEnv(services.env) });
    const pusher = createPusher(services.env);
    const app = express();
    app.get('/pusher.js', (_req, res) => res.sendFile(join(REPOSITORY, 'node_modules/pusher-js/dist/web/pusher.js')));
    app.get('/', (_req, res) => res.type('html').send(PAGE));
    const server = createServer(app);
    const fallback = attachFallback(server, { backend });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const browser = await chromium.launch({ executablePath, headless: true, args: [...CHROMIUM_FLAGS] });
    try {
      return await inRounds(NAMES, quick ? 1 : 3, log, async (transport) => {
        const page = await browser.newPage();
        await page.goto(`http://127.0.0.1:${port}/`);
        await page.evaluate(([key, options]) => (globalThis as unknown as PageWindow).follow(key, options), [
          services.env.PUSHER_KEY as string,
          {
            cluster: 'bench',
            forceTLS: false,
            enableStats: false,
            enabledTransports: [transport],
            wsHost: '127.0.0.1',
            wsPort: Number(services.env.PUSHER_PORT),
            httpHost: '127.0.0.1',
            httpPort: port,
            httpPath: '/pusher',
          },
        ] as const);
        for (let n = 0; n < events; n++) {
          await pusher.trigger('bench', 'tick', { at: performance.timeOrigin + performance.now() });
          await pause(PAUSE_MS);
        }
        await page.waitForFunction((count) => (globalThis as unknown as PageWindow).delays.length >= count, events);
        const delays = await page.evaluate(() => (globalThis as unknown as PageWindow).delays);
        await page.close();
        return delays;
      });
    } finally {
      await browser.close();
      await fallback.close();
      server.closeAllConnections();
      server.close();
      await backend.close();
    }
  },
  report(raw) {
    const p50 = (name: (typeof NAMES)[number]) => raw[name].map((delays) => percentile(delays, 0.5));
    return {
      text: [
        'The WebSocket goes to Soketi. The HTTP transports go through the HTTP fallback of the app.',
        table(
          ['transport', 'p50, ms', '× ws', 'p95, ms'],
          NAMES.map((name) => [
            name,
            spread(p50(name)),
            figure(ratio(p50(name), p50('ws'))),
            figure(median(raw[name].map((delays) => percentile(delays, 0.95)))),
          ]),
        ),
      ].join('\n\n'),
      targets: [],
    };
  },
});
