import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pusherModule from 'pusher-js';
import { FakePusher } from '../test-support/fake-pusher.ts';
import { connectionInfo } from '../test-support/fake-server.ts';
import { settle } from '../test-support/manual-timing.ts';
import { createPush, type PushLoss, toOptions } from './pusher.ts';
import { findPusher, type PusherClass, type PusherLike, type PusherSource } from './pusher-class.ts';

// That this compiles is a test: `PusherSource` takes the package as TypeScript sees it under the settings of this project.
const source: PusherSource = pusherModule;
const Pusher = findPusher(source) as PusherClass;
const CHANNEL = 'private-user-ada';

/** Opens push over a fake Pusher. `told`: what it has said, in order. */
function start({ authorize = async () => ({ auth: 'key:ok' }) }: { authorize?: () => Promise<object> } = {}) {
  const told: (PushLoss | 'connected' | 'up' | string)[] = [];
  const push = createPush({
    Pusher: FakePusher,
    connection: connectionInfo(CHANNEL),
    authorize,
    handlers: {
      onConnected: () => told.push('connected'),
      onUp: () => told.push('up'),
      onDown: (loss) => told.push(loss),
      onEvent: (name) => told.push(name),
    },
  });
  push.open();
  return { push, told };
}

/** The options that the class of pusher-js was given. */
function configOf(pusher: PusherLike): unknown {
  return (pusher as unknown as { config: unknown }).config;
}

beforeEach(() => {
  FakePusher.made = [];
  FakePusher.isReachable = true;
});

describe('the way pusher-js is set up', () => {
  it('goes to no host but those the server named', () => {
    const pusher = new Pusher(
      'key',
      toOptions(connectionInfo(CHANNEL), () => {}),
    );
    pusher.disconnect();
    expect(configOf(pusher)).toMatchObject({
      wsHost: '127.0.0.1',
      wsPort: 6001,
      wssPort: 6001,
      httpHost: '127.0.0.1',
      httpPort: 6001,
      httpsPort: 6001,
      httpPath: '/push',
      useTLS: false,
      enableStats: false,
      cluster: 'inloop',
      enabledTransports: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
    });
  });

  it('goes to the hosts of the cluster where the server named none', () => {
    const none = { wsHost: null, wsPort: null, wssPort: null, httpHost: null, httpPort: null, httpsPort: null };
    const info = { ...connectionInfo(CHANNEL), ...none, httpPath: null, forceTLS: true, cluster: 'eu' };
    const pusher = new Pusher(
      'key',
      toOptions(info, () => {}),
    );
    pusher.disconnect();
    expect(configOf(pusher)).toMatchObject({
      wsHost: 'ws-eu.pusher.com',
      wssPort: 443,
      httpHost: 'sockjs-eu.pusher.com',
    });
    expect(configOf(pusher)).toMatchObject({ useTLS: true, httpPath: '/pusher' });
  });

  it('takes the class, or any module that holds it', () => {
    expect(typeof Pusher).toBe('function');
    expect(findPusher({ default: { default: Pusher } })).toBe(Pusher);
    expect(findPusher({})).toBeUndefined();
    expect(findPusher(null)).toBeUndefined();
  });
});

describe('what pusher-js says', () => {
  it('means up when the channel is subscribed; of the events only those of tasks are passed on', async () => {
    const { told } = start();
    await settle();
    FakePusher.last.push('task.running', {});
    FakePusher.last.push('other', {});
    expect(told).toEqual(['connected', 'up', 'task.running']);
  });

  it('means lost when the connection drops, and ends the retries of pusher-js', async () => {
    const { told } = start();
    await settle();
    FakePusher.last.drop();
    await settle();
    expect(told.slice(2)).toEqual(['lost']);
    expect(FakePusher.last.connection.state).toBe('disconnected');
  });

  it('means lost when it starts again by itself, once', async () => {
    const { told } = start();
    await settle();
    FakePusher.last.become('connecting');
    await settle();
    expect(told.slice(2)).toEqual(['lost']);
    expect(FakePusher.last.connection.state).toBe('disconnected');
  });

  it('means refused when it ends the connection for good', async () => {
    const { told } = start();
    await settle();
    FakePusher.last.refuse();
    await settle();
    expect(told.slice(2)).toEqual(['refused']);
  });

  it('means unauthorized when our server does not sign', async () => {
    const { told } = start({ authorize: () => Promise.reject(new Error('no')) });
    await settle();
    expect(told).toEqual(['connected', 'unauthorized']);
  });

  it('means refused when Pusher cannot connect at all here, and does not throw', () => {
    class NoTransport extends FakePusher {
      override connect(): never {
        throw 'no transport';
      }
    }
    const told: PushLoss[] = [];
    const handlers = { onConnected() {}, onUp() {}, onDown: (loss: PushLoss) => told.push(loss), onEvent() {} };
    createPush({
      Pusher: NoTransport,
      connection: connectionInfo(CHANNEL),
      handlers,
      authorize: async () => ({}),
    }).open();
    expect(told).toEqual(['refused']);
  });

  it('is no loss when we open or pause it ourselves', async () => {
    const { push, told } = start();
    await settle();
    push.open();
    push.pause();
    await settle();
    expect(told).toEqual(['connected', 'up']);
  });
});

describe('an encrypted channel', () => {
  const ENCRYPTED = 'private-encrypted-user-ada';

  function enter(channel = ENCRYPTED) {
    const told: string[] = [];
    let asked = 0;
    const push = createPush({
      Pusher: FakePusher,
      connection: connectionInfo(channel),
      authorize: async () => ({ auth: 'key:ok', shared_secret: `secret ${++asked}` }),
      handlers: {
        onConnected() {},
        onUp: () => told.push('up'),
        onDown: (loss) => told.push(loss),
        onEvent: (name) => told.push(name),
      },
    });
    push.open();
    return { push, told };
  }

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('gets a cipher, whatever build of pusher-js the page brought', async () => {
    const { told } = enter();
    await settle();
    const { secretbox } = FakePusher.last.options.nacl;
    expect(secretbox).toMatchObject({ overheadLength: 16, nonceLength: 24 });
    expect(secretbox.open(new Uint8Array(32), new Uint8Array(24), new Uint8Array(32))).toBeNull();
    expect(told).toEqual(['up']);
  });

  it('is the only one that gets a cipher', async () => {
    enter(CHANNEL);
    await settle();
    expect(FakePusher.last.options).not.toHaveProperty('nacl');
  });

  it('is not entered after all when the feed has ended meanwhile', async () => {
    enter().push.pause();
    await settle();
    expect(FakePusher.made).toEqual([]);
  });

  it('asks for another key once for all events of a moment, and has the feed fetch what they said', async () => {
    const { told } = enter();
    await settle();
    const keys = await Promise.all([FakePusher.last.renewKey(ENCRYPTED), FakePusher.last.renewKey(ENCRYPTED)]);
    expect(keys).toEqual([expect.objectContaining({ shared_secret: 'secret 2' }), keys[0]]);
    // Each event gets an object of its own, since pusher-js deletes the key from it.
    expect(keys[0]).not.toBe(keys[1]);
    expect(told).toEqual(['up', 'up']);
    // The second event may have come after that fetch.
    jest.advanceTimersByTime(2_000);
    expect(told).toEqual(['up', 'up', 'up']);
    expect(await FakePusher.last.renewKey(ENCRYPTED)).toMatchObject({ shared_secret: 'secret 3' });
    jest.advanceTimersByTime(2_000);
    expect(told).toEqual(['up', 'up', 'up', 'up']);
  });

  it('has the feed fetch no second time when the connection was lost meanwhile', async () => {
    const { told } = enter();
    await settle();
    await Promise.all([FakePusher.last.renewKey(ENCRYPTED), FakePusher.last.renewKey(ENCRYPTED)]);
    FakePusher.last.drop();
    await settle();
    jest.advanceTimersByTime(10_000);
    expect(told).toEqual(['up', 'up', 'lost']);
  });
});
