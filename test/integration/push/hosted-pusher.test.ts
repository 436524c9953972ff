// Hosted Pusher, set up by environment variables alone: what our requests look like, that none breaks a limit, and what happens
// to events that the service refuses. The service is a strict stand-in, because tests have no account.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { Events } from '../../../backend/events/events.ts';
import { Bus, BusError } from '../../../backend/push/bus/bus.ts';
import { connectionInfo, pusherFromEnv } from '../../../backend/push/bus/pusher-env.ts';
import { Publisher } from '../../../backend/push/publisher.ts';
import { PROBE } from '../../../backend/push/push-events.ts';
import { channelOf } from '../../../core/channel.ts';
import {
  MAX_ERROR_CODE_LENGTH,
  MAX_ERROR_MESSAGE_LENGTH,
  MAX_OWNER_LENGTH,
  MAX_SEEN_IDS,
} from '../../../core/limits.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import { cut } from '../../../core/values/text.ts';
import { type HostedPusher, startHostedPusher } from '../../support/bus/hosted-pusher.ts';
import { eventually } from '../../support/eventually.ts';
import { recordLog } from '../../support/log.ts';
import { move, newTask, time } from '../../support/task-events.ts';

const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64');
const PLAIN = {};
const ENCRYPTED = { PUSHER_ENCRYPTION_KEY: ENCRYPTION_KEY };

// On a busy machine these tests are slow.
jest.setTimeout(60_000);
const PATIENCE = { within: 20_000 };

let hosted: HostedPusher;
let bus: Bus;
let publisher: Publisher;
let log: ReturnType<typeof recordLog>;
let settled: string[];

/** Makes a new bus and publisher. @param deadline of a request, in ms */
function open(env: Record<string, string> = PLAIN, deadline = 30_000): void {
  bus?.close();
  publisher?.close();
  settled = [];
  log = recordLog();
  bus = new Bus(pusherFromEnv({ ...hosted.env, ...env }), { deadline });
  publisher = new Publisher({
    bus,
    events: new Events(log),
    onSettled: (ids) => settled.push(...ids),
    eventsPerSecond: 10,
  });
}

beforeEach(async () => {
  hosted = await startHostedPusher();
  open();
});

afterEach(async () => {
  publisher.close();
  bus.close();
  await hosted.close();
});

const id = (n: number) => `019ab000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const running = (n: number) => move(newTask({ id: id(n) }), { type: 'start', at: time(1) });
const succeeded = (n: number, result: unknown) =>
  move(running(n), { type: 'succeed', at: time(2), attempt: 1, result, progress: { done: 1, total: 1 } });

async function sendAll(): Promise<void> {
  await publisher.drain(20_000);
  expect(hosted.requests.filter(({ status }) => status !== 200)).toEqual([]);
}

describe('with PUSHER_CLUSTER and nothing else', () => {
  it('events go to the cluster’s own host, signed, over TLS whose certificate is checked', async () => {
    publisher.publish('ada', running(1));
    await sendAll();
    expect(hosted.dialled).toEqual([{ host: 'api-eu.pusher.com', port: 443, isVerified: true }]);
    const [request] = hosted.requests;
    expect(request).toMatchObject({
      method: 'POST',
      host: 'api-eu.pusher.com',
      path: `/apps/${hosted.app.appId}/batch_events`,
    });
    expect(Object.keys(request?.query ?? {}).sort()).toEqual([
      'auth_key',
      'auth_signature',
      'auth_timestamp',
      'auth_version',
      'body_md5',
    ]);
    const { batch } = JSON.parse(request?.body ?? '') as { batch: { data: string }[] };
    expect(batch).toEqual([{ channel: 'private-user-ada', name: 'task.running', data: expect.any(String) }]);
    expect(JSON.parse(batch[0]?.data ?? '')).toEqual(running(1));
  });

  it('whether it is there is found out without a request, which would be billed', async () => {
    expect(await bus.isReachable()).toBe(true);
    expect(hosted.dialled).toEqual([{ host: 'api-eu.pusher.com', port: 443, isVerified: true }]);
    expect(hosted.requests).toEqual([]);
    expect(hosted.events).toEqual([]);
  });

  it('a browser gets the key and the cluster, and no host', () => {
    expect(connectionInfo(pusherFromEnv(hosted.env))).toEqual({
      key: hosted.app.key,
      cluster: 'eu',
      forceTLS: true,
      wsHost: null,
      wsPort: null,
      wssPort: null,
      httpHost: null,
      httpPort: null,
      httpsPort: null,
      httpPath: null,
    });
  });
});

// The third column: the largest snapshot, in bytes, whose message is not over 10,240. Encryption makes it a third larger (base64).
describe.each([
  ['plain', PLAIN, 10_240],
  ['encrypted', ENCRYPTED, 7_619],
] as const)('no limit is broken, %s:', (_form, env, room) => {
  beforeEach(() => open(env));

  const sizeOf = (snapshot: Snapshot) => Buffer.byteLength(JSON.stringify(snapshot));
  const without = (n: number) => sizeOf(succeeded(n, ''));

  it.each([
    ['one byte under the limit', -1, false],
    ['at the limit', 0, false],
    ['one byte over it', 1, true],
    ['far over it', 200_000, true],
  ])('a snapshot %s', async (_what, over, isOmitted) => {
    const snapshot = succeeded(1, 'r'.repeat(room + over - without(1)));
    expect(sizeOf(snapshot)).toBe(room + over);
    publisher.publish('ada', snapshot);
    await sendAll();
    const bytes = Buffer.byteLength(hosted.events[0]?.data ?? '');
    // The largest message is at the limit, up to the rounding of base64.
    if (isOmitted) expect(bytes).toBeLessThan(2_000);
    else expect(bytes).toBeGreaterThan(10_240 - 5);
    expect(settled).toEqual([id(1)]);
  });

  it('results of every kind and size', async () => {
    const unit = fc.constantFrom('a', '"', '\\', '\u0001', 'ß', '€', '😀', '\ud83d');
    await fc.assert(
      fc.asyncProperty(
        fc.array(unit, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 12_000 }),
        async (units, bytes) => {
          const text = units.join('').repeat(bytes / units.length);
          publisher.publish('ada', succeeded(1, { [text.slice(0, 50)]: [text, null, 1e300, -0] }));
          await sendAll();
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    ['letters', 'x'],
    ['characters that JSON escapes six-fold', '\u0001'],
    ['half surrogate pairs', '\ud83d'],
    ['emoji', '😀'],
    ['quotes', '"'],
  ])('the longest title, note, stage, code and error message, of %s', async (_what, char) => {
    const long = (max: number) => cut(char.repeat(2_000), max);
    const progress = { done: 1, total: 9e15, skipped: 9e14, failed: 9e14, stage: long(200), note: long(5_000) };
    const error = { code: long(MAX_ERROR_CODE_LENGTH), message: long(MAX_ERROR_MESSAGE_LENGTH), retryable: false };
    const task = move(
      newTask({ title: long(200), name: 'n'.repeat(64), attempts: 100 }),
      { type: 'start', at: time(1), expectedAt: time(9) },
      { type: 'progress', at: time(2), attempt: 1, progress },
    );
    publisher.publish('ada', task);
    await sendAll();
    publisher.publish('ada', move(task, { type: 'fail', at: time(3), attempt: 1, error, progress }));
    await sendAll();
    expect(hosted.events.map(({ name }) => name)).toEqual(['task.running', 'task.failed']);
  });

  it('owners with the longest and oddest ids', async () => {
    const owners = ['x'.repeat(MAX_OWNER_LENGTH), '€'.repeat(MAX_OWNER_LENGTH), '😀 /:?#%', '\u0000', 'a'.repeat(141)];
    for (const owner of owners) publisher.publish(owner, running(1));
    await sendAll();
    const encrypted = env === ENCRYPTED;
    expect(hosted.events.map(({ channel }) => channel)).toEqual(owners.map((owner) => channelOf(owner, { encrypted })));
  });

  it('a burst of 95 events', async () => {
    for (let n = 0; n < 95; n++) publisher.publish(n % 2 ? 'ada' : 'bea', succeeded(n, 'r'.repeat(room - without(n))));
    await sendAll();
    expect(hosted.events).toHaveLength(95);
    expect(hosted.requests.length).toBeLessThan(20);
  });

  it('as many ids seen as one call may name', async () => {
    const ids = Array.from({ length: MAX_SEEN_IDS }, (_, n) => id(n));
    publisher.publishSeen('ada', { ids, seenAt: time(1) });
    await sendAll();
    if (env === PLAIN) expect(hosted.events.flatMap(({ data }) => JSON.parse(data).ids)).toEqual(ids);
    expect(hosted.events.every(({ name }) => name === 'task.seen')).toBe(true);
    expect(hosted.events.length).toBeLessThan(8);
  });
});

describe('when the service says no', () => {
  const fail = async () => {
    publisher.publish('ada', succeeded(1, 'done'));
    await eventually(() => publisher.isDown, PATIENCE);
    expect(settled).toEqual([]);
  };
  /** Ends the fault. The publisher notices, and takes the outcome when it is published again, as the sweeper would do. */
  const recover = async () => {
    hosted.fault = null;
    hosted.skew = 0;
    await eventually(() => !publisher.isDown, PATIENCE);
    publisher.publish('ada', succeeded(1, 'done'));
    await eventually(() => settled.length > 0, PATIENCE);
    expect(settled).toEqual([id(1)]);
    expect(hosted.events.map(({ name }) => name).filter((name) => name !== PROBE.name)).toEqual(['task.succeeded']);
  };
  const said = () => log.lines.map((line) => JSON.stringify(line));
  const refusals = () => hosted.requests.filter(({ status }) => status !== 200);

  it('unavailable: it is asked until it answers, and the log says so once', async () => {
    hosted.fault = 'unavailable';
    await fail();
    await eventually(() => refusals().length >= 2, PATIENCE);
    expect(refusals()[0]?.status).toBe(503);
    expect(said().filter((line) => line.includes('503'))).toHaveLength(1);
    await recover();
  });

  it.each([
    ['over its quota', 'over-quota', 403],
    ['disabled', 'disabled', 403],
    ['limiting the rate', 'rate-limited', 429],
  ] as const)('%s, it is left alone: what it refuses may be counted', async (_what, fault, status) => {
    hosted.fault = fault;
    await fail();
    const asked = hosted.requests.length;
    const began = performance.now();
    while (performance.now() - began < 3_000) {
      publisher.publish('bea', succeeded(2, 'done'));
      expect(await publisher.probe()).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(hosted.requests).toHaveLength(asked);
    expect(refusals()).toMatchObject([{ status }]);
    expect(said().filter((line) => line.includes(String(status)))).toHaveLength(1);
  });

  it('a clock that is 11 minutes off gets 401, and no signature into the log', async () => {
    hosted.skew = 660;
    await fail();
    expect(refusals()[0]).toMatchObject({ status: 401, answer: expect.stringContaining('Timestamp expired') });
    const text = said().join('\n');
    expect(text).toContain('401');
    expect(text).toContain('Timestamp expired');
    for (const secret of [hosted.app.key, hosted.app.secret, String(refusals()[0]?.query.auth_signature)]) {
      expect(text).not.toContain(secret);
    }
    await recover();
  });

  it('a clock that is 9 minutes off causes no error', async () => {
    hosted.skew = 540;
    publisher.publish('ada', running(1));
    await sendAll();
  });

  it.each(['silent', 'stuck'] as const)('a service that is %s is given up on within the deadline', async (fault) => {
    open(PLAIN, 500);
    hosted.fault = fault;
    await fail();
    expect(said().join('\n')).toContain('no answer from the bus');
    hosted.fault = null;
    await eventually(() => !publisher.isDown, PATIENCE);
    // An event that the service accepted without answering may come twice. Clients tell by its revision.
    publisher.publish('ada', succeeded(1, 'done'));
    await eventually(() => settled.includes(id(1)), PATIENCE);
  });

  it('a wrong secret is reported in other words than a refused event', async () => {
    open({ PUSHER_SECRET: 'wrong' });
    const event = { channel: 'private-user-ada', name: 'task.running', data: 'x'.repeat(10_241) };
    const refused = await bus.send([{ ...event, data: '{}' }]).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BusError);
    expect(refused).toMatchObject({ status: 401, retryable: true });
    open();
    await expect(bus.send([event])).rejects.toMatchObject({ status: 413, retryable: false });
    await expect(bus.send([{ ...event, channel: 'private user' }])).rejects.toMatchObject({ status: 400 });
  });
});
