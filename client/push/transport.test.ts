import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakePusher } from '../test-support/fake-pusher.ts';
import { connectionInfo } from '../test-support/fake-server.ts';
import { ManualTiming } from '../test-support/manual-timing.ts';
import { createLink, type Link } from './link.ts';
import { createPush } from './pusher.ts';

const WEB_SOCKETS = ['ws', 'wss'];

beforeEach(() => {
  FakePusher.made = [];
  FakePusher.isReachable = true;
  FakePusher.isRefused = false;
  FakePusher.transport = 'ws';
  FakePusher.blocked = [];
});

/** A link that is up. `chance` (0 to 1) stands for each random number. `counts`: how often it has said that it is up and down. */
async function live(chance = 0.5) {
  const timing = new ManualTiming();
  timing.chance = chance;
  let ups = 0;
  let downs = 0;
  let isUp = false;
  const link: Link = createLink({
    timing,
    createPush: (handlers) =>
      createPush({
        Pusher: FakePusher,
        connection: connectionInfo('private-user-ada'),
        timing,
        handlers,
        authorize: async () => ({ auth: 'key:ok' }),
      }),
    onChange: (state) => {
      isUp = state.isUp;
      if (isUp) ups++;
      else downs++;
    },
    onEvent: () => {},
  });
  link.start();
  await timing.advance(50);
  expect(isUp).toBe(true);
  return { timing, link, isUp: () => isUp, counts: () => ({ ups, downs }) };
}

/** The connections that are open. */
const open = () => FakePusher.made.filter(({ connection }) => connection.state === 'connected');
/** How often any Pusher has started to connect. */
const countAttempts = () => FakePusher.made.reduce((sum, { attempts }) => sum + attempts, 0);
const transports = () => open().map(({ connection }) => connection.connection?.transport.name);

/** The network blocks WebSockets and `transports` from now on, and breaks the connection that is open. */
function block(...transports: string[]): void {
  FakePusher.blocked = [...WEB_SOCKETS, ...transports];
  FakePusher.last.emit('connecting_in', 1);
}

describe('WebSockets that are blocked in the middle of a session', () => {
  it.each([[0], [0.5], [0.99]])('are replaced by HTTP within 8 s (chance %d)', async (chance) => {
    const { timing, isUp } = await live(chance);
    block();
    await timing.advance(8_000);
    expect(isUp()).toBe(true);
    expect(transports()).toEqual(['xhr_streaming']);
  });

  it('are replaced by HTTP within 8 s, also where HTTP streams are held back', async () => {
    const { timing, isUp } = await live();
    block('xhr_streaming');
    await timing.advance(8_000);
    expect(isUp()).toBe(true);
    expect(transports()).toEqual(['xhr_polling']);
  });

  it('are used again within a minute of their return, with one connection, and without a gap', async () => {
    for (const passed of [9_000, 100_000, 1_000_000]) {
      FakePusher.made = [];
      const { timing, link, isUp, counts } = await live();
      block();
      await timing.advance(passed);
      expect(transports()).toEqual(['xhr_streaming']);
      const before = counts();
      FakePusher.blocked = [];
      await timing.advance(60_000);
      expect(isUp()).toBe(true);
      expect(transports()).toEqual(['ws']);
      // The feed is told again that push is up, so that it fetches what neither of the two connections has delivered.
      expect(counts()).toEqual({ ups: before.ups + 1, downs: before.downs });
      link.pause();
    }
  });

  it('are asked for no more than twice a minute while they stay away, and not at all once the link is paused', async () => {
    const { timing, link } = await live();
    block();
    await timing.advance(120_000);
    const before = countAttempts();
    await timing.advance(600_000);
    expect(countAttempts() - before).toBeGreaterThan(0);
    expect(countAttempts() - before).toBeLessThan(20);
    link.pause();
    expect(timing.pending).toBe(0);
    expect(open()).toEqual([]);
  });
});

describe('after an outage of the bus', () => {
  it('push is back within 3 s, whichever transport is being tried', async () => {
    for (let outage = 500; outage < 9_000; outage += 700) {
      FakePusher.made = [];
      FakePusher.isReachable = true;
      const { timing, link, isUp } = await live();
      FakePusher.last.drop();
      await timing.advance(outage);
      FakePusher.isReachable = true;
      await timing.advance(3_000);
      expect(isUp()).toBe(true);
      await timing.advance(60_000);
      expect(transports()).toEqual(['ws']);
      link.pause();
    }
  });

  it('push is back within 3 s, also where HTTP transports do not work', async () => {
    for (let outage = 500; outage < 9_000; outage += 300) {
      FakePusher.made = [];
      FakePusher.isReachable = true;
      FakePusher.blocked = [];
      const { timing, link, isUp } = await live(0.9);
      FakePusher.blocked = ['xhr_streaming', 'xhr_polling'];
      FakePusher.last.drop();
      await timing.advance(outage);
      FakePusher.isReachable = true;
      await timing.advance(3_000);
      expect([outage, isUp()]).toEqual([outage, true]);
      expect(transports()).toEqual(['ws']);
      link.pause();
      expect(timing.pending).toBe(0);
      expect(open()).toEqual([]);
    }
  });

  it('push is tried over HTTP first where that is what has worked', async () => {
    FakePusher.transport = 'xhr_streaming';
    FakePusher.blocked = WEB_SOCKETS;
    const { timing } = await live();
    FakePusher.last.drop();
    await timing.advance(1_000);
    FakePusher.isReachable = true;
    await timing.advance(3_000);
    expect(transports()).toEqual(['xhr_streaming']);
  });
});

describe('pusher-js, which keeps every Pusher that was ever made', () => {
  it('is given one for each choice of transports, however long push is away', async () => {
    const { timing, link, isUp } = await live();
    block('xhr_streaming', 'xhr_polling');
    await timing.advance(3_600_000);
    // All transports, a WebSocket, HTTP, and HTTP without streaming.
    expect(FakePusher.made).toHaveLength(4);
    FakePusher.blocked = [];
    await timing.advance(60_000);
    expect(isUp()).toBe(true);
    link.pause();
  });

  it('is given no more while push is up over HTTP, and a WebSocket is tried every 40 s', async () => {
    const { timing, link } = await live();
    block();
    await timing.advance(3_600_000);
    expect(transports()).toEqual(['xhr_streaming']);
    expect(FakePusher.made).toHaveLength(3);
    link.pause();
  });

  it('is given a new one where it has given up the transports of the one before', async () => {
    const { timing } = await live();
    block();
    await timing.advance(100_000);
    const probe = FakePusher.made.find(({ options }) => options.enabledTransports.length === 1);
    const before = FakePusher.made.length;
    probe?.become('failed');
    FakePusher.blocked = [];
    await timing.advance(60_000);
    expect(FakePusher.made).toHaveLength(before + 1);
    expect(transports()).toEqual(['ws']);
  });
});
