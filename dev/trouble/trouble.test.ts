// Trouble in a real stack, requested as its server does. How tasks survive it is tested in test/e2e. Each test has a stack of its
// own. They run at the same time; the longest is the first.
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { readJsonFile } from '../../cli/processes/json-file.ts';
import { LOOPBACK } from '../../cli/processes/ports.ts';
import { signPusherCall } from '../../soketi/pusher-app.ts';
import { eventually } from '../../test/support/eventually.ts';
import { startStack, type TestStack } from '../../test/support/processes/stack.ts';
import { REPOSITORY } from '../paths.ts';
import type { Credentials } from '../stack/credentials.ts';
import type { TroubleReport } from './trouble.ts';

/** A small script in place of the demo's server and worker. It answers, among others, with the address that it was given. */
const STAND_IN = join(REPOSITORY, 'test', 'support', 'processes', 'stand-in.mjs');
const BROWSER = { origin: 'http://localhost:3000' };

/** What a test works with. */
interface World {
  readonly stack: TestStack;
  /** The URL at which the server of the stack asks for trouble; '' if there is none. */
  readonly url: string;
  make(kind: string): Promise<TroubleReport>;
  /** Connects a client to Soketi, and subscribes to the channel. With an `origin` it counts as a browser. */
  enter(options?: { readonly origin?: string }): Promise<Entered>;
  /** Publishes an event of this name on the channel. */
  publish(name: string): Promise<void>;
}

/** A client that has subscribed to the channel. */
interface Entered {
  /** The names of the events that have come. */
  readonly events: readonly string[];
  /** Resolves with the code with which the connection is closed. */
  readonly closed: Promise<number>;
  /** How many events of this name have come. */
  named(name: string): number;
}

/** The stack's Soketi lets clients into channels of this kind only. */
const CHANNEL = 'private-user-ada';

/** The body of a test with a stack of its own. */
const inStack =
  (test: (world: World) => Promise<void>, env: NodeJS.ProcessEnv = {}) =>
  async (): Promise<void> => {
    const args = ['--server', STAND_IN, '--worker', STAND_IN];
    const stack = await startStack({ args, env: { INLOOP_BUILT: '1', ...env } });
    try {
      await test(worldOn(stack, await (await fetch(`${stack.url}/trouble-url`)).text()));
    } finally {
      expect(await stack.stop()).toBe('exit code 0');
    }
  };

function worldOn(stack: TestStack, url: string): World {
  const app = () => (readJsonFile<Credentials>(join(stack.dir, 'credentials.json')) as Credentials).app;
  const soketiPort = () => stack.services().soketi?.port as number;
  return {
    stack,
    url,
    async make(kind) {
      const response = await fetch(`${url}/${kind}`, { method: 'POST' });
      expect(response.status).toBe(200);
      return (await response.json()) as TroubleReport;
    },
    async enter(options = {}) {
      const socket = new WebSocket(`ws://${LOOPBACK}:${soketiPort()}/app/${app().key}?protocol=7`, options);
      const events: string[] = [];
      let id = '';
      const closed = new Promise<number>((resolve) => socket.once('close', resolve));
      socket.on('error', () => {});
      socket.on('message', (text) => {
        const { event, data } = JSON.parse(String(text)) as { event: string; data: string };
        if (event === 'pusher:connection_established') id = (JSON.parse(data) as { socket_id: string }).socket_id;
        events.push(event);
      });
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      await eventually(() => events.includes('pusher:connection_established'));
      const { key, secret } = app();
      const auth = `${key}:${createHmac('sha256', secret).update(`${id}:${CHANNEL}`).digest('hex')}`;
      socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: CHANNEL, auth } }));
      await eventually(() => events.includes('pusher_internal:subscription_succeeded'));
      return { events, closed, named: (name: string) => events.filter((event) => event === name).length };
    },
    async publish(name) {
      const body = JSON.stringify({ name, channel: CHANNEL, data: '{}' });
      const path = signPusherCall(app(), 'POST', '/events', body);
      const response = await fetch(`http://${LOOPBACK}:${soketiPort()}${path}`, { method: 'POST', body });
      expect(response.status).toBe(200);
    },
  };
}

it.concurrent(
  'trouble kills the worker, and stops Soketi; other trouble that lasts goes on when Soketi is back',
  inStack(async ({ stack, make, enter }) => {
    const before = stack.services();
    expect((await make('kill-worker')).pid).toBe(before.worker?.pid);
    await eventually(() => expect(stack.services().worker?.pid).not.toBe(before.worker?.pid), { within: 20_000 });

    await make('block-websockets');
    const { lasting } = await make('stop-soketi');
    expect(lasting.map(({ kind }) => kind).sort()).toEqual(['block-websockets', 'stop-soketi']);
    await expect(enter()).rejects.toThrow('ECONNREFUSED');
    expect(stack.lines.join('\n')).toMatch(/soketi ended \(exit code 0\); starting it again in (9|10)(\.\d+)? s/);
    await eventually(() => expect(stack.lines.join('\n')).toMatch('soketi is back'), { within: 30_000 });
    // The restarted Soketi was told again which trouble lasts.
    await expect(enter(BROWSER)).rejects.toThrow('403');
    await make('end-all');
    await enter(BROWSER);
  }),
  120_000,
);

it.concurrent(
  'trouble reaches the connections and messages of the real Soketi, and ends',
  inStack(async ({ make, enter, publish }) => {
    const browser = await enter(BROWSER);
    const server = await enter();

    expect((await make('lose-messages')).lasting).toMatchObject([{ kind: 'lose-messages' }]);
    await publish('task.running');
    await publish('other');
    for (const { events } of [browser, server]) await eventually(() => events.includes('other'));
    expect(browser.named('task.running')).toBe(0);

    expect(await make('end-all')).toEqual({ lasting: [] });
    await make('double-messages');
    await publish('task.queued');
    await eventually(() => browser.named('task.queued') === 1);
    await publish('task.running');
    await eventually(() => browser.named('task.queued') === 2);
    // The second copy comes after a newer event. The second copy of that event may have come by now, too.
    const told = browser.events.filter((event) => event.startsWith('task.'));
    expect(told.slice(0, 3)).toEqual(['task.queued', 'task.running', 'task.queued']);
    await make('end-all');

    await make('block-websockets');
    expect(await browser.closed).toBe(1006);
    await expect(enter(BROWSER)).rejects.toThrow('403');
    // A connection without an `Origin` is let in: the server makes one for each browser that comes over HTTP.
    await enter();
    await publish('other');
    await eventually(() => server.named('other') === 2);
    await make('end-all');
    await enter(BROWSER);

    await make('drop-connection');
    expect(await server.closed).toBe(1006);
  }),
  60_000,
);

it.concurrent(
  'trouble needs the secret address, and refuses kinds of trouble that it does not know',
  inStack(async ({ url }) => {
    const { origin } = new URL(url);
    expect(new URL(url).hostname).toBe(LOOPBACK);
    for (const path of ['/', '/kill-worker', `/${'0'.repeat(48)}/kill-worker`]) {
      expect((await fetch(origin + path, { method: 'POST' })).status).toBe(404);
    }
    for (const kind of ['', 'kill-redis', '__proto__', 'toString']) {
      expect((await fetch(`${url}/${kind}`, { method: 'POST' })).status).toBe(400);
    }
    expect(await (await fetch(url)).json()).toEqual({ lasting: [] });
  }),
  60_000,
);

it.concurrent(
  'trouble cannot be made in production, even if an address is set',
  inStack(
    async ({ url }) => {
      expect(url).toBe('');
    },
    { NODE_ENV: 'production', INLOOP_TROUBLE_URL: 'http://127.0.0.1:1/x' },
  ),
  60_000,
);
