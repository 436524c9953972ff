// Mistakes that somebody new to inloop makes, of which the console of the browser tells. For mistakes.test.ts. Each page has a
// feed, as the tray makes one.
import express, { type Express, type RequestHandler } from 'express';
import type { createTaskFeed } from '../../../client/feed/connect-tasks.ts';
import type { PusherSource } from '../../../client/push/pusher-class.ts';
import { createTaskServer } from '../../../server/task-server.ts';
import { servePage } from '../../support/browser/browser-bundle.ts';
import { type HttpServer, startHttpServer } from '../../support/http-server.ts';
import { backendWith, type Made, type Mistakes, report, type World } from './world.ts';

interface PageWindow {
  readonly createTaskFeed: typeof createTaskFeed;
  readonly loadPusherOrNone: (isShared: boolean) => Promise<PusherSource>;
}

interface Mistake {
  /** Variables of the bus, in place of the right ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: '/tasks'. */
  readonly url?: string;
  /** A middleware in front of the router. */
  readonly before?: RequestHandler;
  /** Whether the user signs in after the feed was made. */
  readonly signsIn?: boolean;
  /** The `Content-Security-Policy` of the page. Default: none. */
  readonly policy?: string;
  /** Whether the page is built without pusher-js. */
  readonly isBare?: boolean;
  /** Whether the page is at an origin of its own. */
  readonly isForeign?: boolean;
}

export const inBrowser: Mistakes = {
  'a wrong url': page({ url: '/wrong' }),
  "a url that answers with the app's page": page({ url: '/app' }),
  'a login wall that redirects': page({
    before: (req, res, next) => (req.path.startsWith('/tasks') ? res.redirect('/sign-in') : next()),
  }),
  'a policy (CSP) in the way of the bus': page({ policy: "default-src 'self'; img-src data:" }),
  'a bus that only the server reaches': page({ env: { PUSHER_PUBLIC_PORT: '1' } }),
  'a wrong key': page({ env: { PUSHER_KEY: 'another' } }),
  'a wrong secret': page({ env: { PUSHER_SECRET: 'another' } }),
  'a tray without pusher-js': page({ isBare: true }),
  'a page of another site': page({ isForeign: true }),
  'a sign-in without a reload': page({ signsIn: true }),
};

/** Makes the mistake: opens a page whose feed is set up with it. The lines are the warnings in the console of the page. */
function page(mistake: Mistake) {
  const { env = {}, url = '/tasks', before, policy, isBare = false, isForeign = false, signsIn = false } = mistake;
  return async ({ bus, browser, scripts }: World): Promise<Made> => {
    const { backend } = backendWith({ ...bus.env, ...env });
    // The first two requests of a feed are made at once: who it is, and which tasks there are.
    let refusals = signsIn ? 2 : 0;
    const tasks = createTaskServer({ backend, tasks: [report], identify: () => (refusals-- > 0 ? null : 'ada') });
    const [app, other] = [express(), express()];
    if (before) app.use(before);
    app.use('/tasks', tasks.router);
    app.get(['/app', '/app/connection', '/sign-in'], (_req, res) => void res.type('html').send('<p>The app'));
    for (const one of [app, other]) serve(one, isBare ? scripts.bare : scripts.script, policy);
    const servers: HttpServer[] = [await startHttpServer(app), await startHttpServer(other)];
    const [api, foreign] = servers as [HttpServer, HttpServer];
    const tab = await browser.newPage();
    const lines: string[] = [];
    tab.on('console', (message) => message.type() === 'warning' && lines.push(message.text()));
    await tab.goto(`${isForeign ? foreign.url : api.url}/page`);
    await tab.evaluate(async (to) => {
      const own = window as unknown as PageWindow;
      own.createTaskFeed({ url: to, Pusher: await own.loadPusherOrNone(false) });
    }, api.url + url);
    return {
      lines: () => lines,
      async end() {
        await tab.close();
        for (const server of servers) await server.close();
        await backend.close();
      },
    };
  };
}

function serve(app: Express, script: string, policy?: string): void {
  const setPolicy: RequestHandler = (_req, res, next) => {
    if (policy) res.set('Content-Security-Policy', policy);
    next();
  };
  servePage(app, '/page', script, [setPolicy]);
}
