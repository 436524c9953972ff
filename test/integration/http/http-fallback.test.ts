/**
 * Updates over HTTP for browsers whose network refuses WebSockets: real pusher-js in Chromium behind a proxy that passes plain
 * HTTP only, the fallback on an app's own server, and a real Soketi behind it. Each test has these parts to itself. They mostly
 * wait, so two run at the same time.
 *
 * @at-once 2
 */
import { expect, it } from '@jest/globals';
import { upTo } from '../../support/bus/fallback-bridge.ts';
import { FallbackClient } from '../../support/bus/fallback-client.ts';
import { FRAMES_OF_BAD_UTF8, HOSTILE_FRAMES } from '../../support/bus/hostile-frames.ts';
import { eventually } from '../../support/eventually.ts';
import { useFallback } from './fallback-world.ts';

const inWorld = useFallback(2);
const ONLY = { streaming: { enabledTransports: ['xhr_streaming'] }, polling: { enabledTransports: ['xhr_polling'] } };
const KINDS = ['streaming', 'polling'] as const;
type Kind = (typeof KINDS)[number];

it.concurrent(
  'pusher-js behind a proxy that refuses WebSockets is live within 10 s of a first visit',
  inWorld(async ({ proxy, startApp, openPage }) => {
    const began = Date.now();
    const { live } = await openPage(await startApp());
    const { transport } = await live();
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(transport).toBe('xhr_streaming');
    expect(proxy.askedTunnels.length).toBeGreaterThan(0);
  }),
  30_000,
);

it.concurrent.each(KINDS)(
  'pusher-js behind a proxy that refuses WebSockets gets 400 of 400 updates in order over three rotations of a request (%s)',
  inWorld(async ({ proxy, startApp, openPage, publish }, kind: Kind) => {
    const { look, live } = await openPage(await startApp(), ONLY[kind]);
    await live();
    const before = proxy.passed.length;
    // More than 400 × 2,200 = 880,000 characters. pusher-js rotates after each 262,144 (`ROTATION_LENGTH`): three times.
    await publish(upTo(400), 'é'.repeat(2_200));
    await eventually(async () => expect((await look()).ticks).toHaveLength(400), { within: 15_000 });
    expect((await look()).ticks).toEqual(upTo(400));
    expect((await look()).states).toEqual(['connected']);
    const receiving = kind === 'streaming' ? /xhr_streaming$/ : /xhr$/;
    expect(proxy.passed.slice(before).filter((path) => receiving.test(path)).length).toBeGreaterThanOrEqual(3);
  }),
  40_000,
);

it.concurrent.each(KINDS)(
  'pusher-js behind a proxy that refuses WebSockets stays connected while nothing happens (%s)',
  inWorld(async ({ proxy, startApp, openPage, publish }, kind: Kind) => {
    const app = await startApp({ limits: { heartbeatMs: 500, pingMs: 500 } });
    // pusher-js pings after 1.5 s of silence and gives up 0.5 s later, so heartbeats must come earlier.
    const { look, live } = await openPage(app, { ...ONLY[kind], activityTimeout: 1_500, pongTimeout: 500 });
    const { socketId } = await live();
    const before = proxy.passed.length;
    const since = Date.now();
    // Each heartbeat causes a request: with a stream pusher-js answers it, with polling it polls again. 5 s have ten heartbeats.
    await eventually(() => Date.now() - since > 5_000 && proxy.passed.length - before > 6, { within: 8_000 });
    expect(await look()).toMatchObject({ state: 'connected', socketId });
    await publish([1]);
    await eventually(async () => expect((await look()).ticks).toEqual([1]));
  }),
  30_000,
);

it.concurrent.each(KINDS)(
  'pusher-js behind a proxy that refuses WebSockets comes back by itself after it read too slowly (%s)',
  inWorld(async ({ proxy, startApp, openPage, publish, countSubscribers }, kind: Kind) => {
    const app = await startApp({ limits: { buffered: 50_000, graceMs: 1_000 } });
    const { look, live } = await openPage(app, ONLY[kind]);
    const { socketId } = await live();
    proxy.stall();
    // Publish until the session is ended. What the sockets buffer until then is not limited by the fallback.
    let n = 0;
    const isConnected = async () => (await countSubscribers()) === 1;
    while (await isConnected()) await publish([n++, n++, n++, n++, n++, n++, n++, n++, n++, n++], 'x'.repeat(9_000));
    proxy.resume();
    await eventually(async () => expect((await look()).socketId).not.toBe(socketId), { within: 15_000 });
    await live();
    await publish([1_000_000]);
    await eventually(async () => expect((await look()).ticks.at(-1)).toBe(1_000_000));
  }),
  60_000,
);

it.concurrent.each(KINDS)(
  'pusher-js behind a proxy that refuses WebSockets starts again at once when its requests reach another instance (%s)',
  inWorld(async ({ proxy, startApp, openPage, publish }, kind: Kind) => {
    const [here, there] = [await startApp(), await startApp()];
    const { look, live } = await openPage(here, ONLY[kind]);
    const { socketId } = await live();
    proxy.route = (url) => {
      if (url.port === String(here.port)) url.port = String(there.port);
      return url;
    };
    const moved = Date.now();
    // A stream moves at its next rotation, after 262,144 characters. These events have 360,000.
    if (kind === 'streaming') await publish(upTo(40), 'x'.repeat(9_000));
    else await publish([1]);
    await eventually(async () => expect((await look()).socketId).not.toBe(socketId), { within: 10_000 });
    await live();
    expect(Date.now() - moved).toBeLessThan(5_000);
    await publish([1_000]);
    await eventually(async () => expect((await look()).ticks.at(-1)).toBe(1_000));
    expect(there.fallback.sessions).toBeGreaterThan(0);
  }),
  40_000,
);

it.concurrent(
  'pusher-js behind a proxy that refuses WebSockets with an unknown key is refused for good',
  inWorld(async ({ startApp, openPage }) => {
    const { look } = await openPage(await startApp(), ONLY.streaming, { key: 'another-key' });
    await eventually(async () => expect((await look()).state).toBe('disconnected'));
  }),
  30_000,
);

it.concurrent(
  'pusher-js behind a proxy that refuses WebSockets from another origin is accepted only if that origin is named',
  inWorld(async ({ startApp, openPage, publish }) => {
    const [home, plain] = [await startApp(), await startApp()];
    const allowing = await startApp({ allowedOrigins: [`http://127.0.0.1:${home.port}`] });
    const refused = await openPage(plain, ONLY.streaming, { from: home.port });
    const welcome = await openPage(allowing, ONLY.streaming, { from: home.port });
    await welcome.live();
    await publish([5]);
    await eventually(async () => expect((await welcome.look()).ticks).toEqual([5]));
    expect(await refused.look()).toMatchObject({ state: 'connecting', socketId: null });
    expect(plain.fallback.sessions).toBe(0);
  }),
  30_000,
);

it.concurrent.each(KINDS)(
  'pusher-js behind a proxy that refuses WebSockets comes back after Soketi was restarted (%s)',
  inWorld(async ({ soketi, startApp, openPage, publish }, kind: Kind) => {
    const { look, live } = await openPage(await startApp(), ONLY[kind]);
    const { socketId } = await live();
    await soketi.restart();
    await eventually(async () => expect((await look()).socketId).not.toBe(socketId), { within: 10_000 });
    await eventually(async () => expect((await look()).isSubscribed).toBe(true));
    await publish([9]);
    await eventually(async () => expect((await look()).ticks).toEqual([9]));
  }),
  60_000,
);

it.concurrent(
  'hostile frames over HTTP harm neither Soketi, nor the server, nor other clients',
  inWorld(async ({ soketi, startApp, publish }) => {
    const app = await startApp();
    const origin = `http://127.0.0.1:${app.port}`;
    const bystander = new FallbackClient(origin, soketi.pusher.key);
    await bystander.receive();
    await bystander.subscribe('room');
    const hostile = new FallbackClient(origin, soketi.pusher.key);
    const stream = await hostile.receive();
    await hostile.message('pusher:connection_established');
    const { pid } = soketi;
    let n = 0;
    for (const [name, content] of [...HOSTILE_FRAMES, ...FRAMES_OF_BAD_UTF8]) {
      // As a frame in a list, and as the body itself.
      const text = content instanceof Uint8Array ? Buffer.from(content).toString('latin1') : content;
      const statuses = [
        await hostile.send(text),
        await hostile.sendBody(
          content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content),
        ),
      ];
      for (const status of statuses) expect([name, [204, 400, 413].includes(status)]).toEqual([name, true]);
      await publish([++n]);
      await eventually(() => expect(JSON.stringify(bystander.messages.at(-1)?.data)).toContain(`\\"n\\":${n},`), {
        that: `events to flow after ${name}`,
      });
    }
    expect(soketi.pid).toBe(pid);
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(stream.isOver).toBe(false);
    expect(app.fallback.sessions).toBe(2);
  }),
  60_000,
);
