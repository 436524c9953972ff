// The client that bee-queue works with, on a real Redis: what it tells of a job that a script took, and the first keep-alive.
import { describe, expect, it } from '@jest/globals';
import { NAME, type QueueWorld, withQueue } from '../../../test/support/redis/queue-world.ts';
import { parseRedisAddress } from '../../redis/address.ts';
import { taskKey } from '../../store/keys.ts';
import { FIELD } from '../../store/record.ts';
import { lineKeys } from '../line-scripts.ts';
import { QueueClient } from './queue-client.ts';
import { queueKey } from './scripts.ts';

const HOUR_MS = 3_600_000;

/** Opens a client as bee-queue does, and calls `use` with it. Closes it afterwards. */
async function withClient(
  { server, prefix }: QueueWorld,
  freshFor: number,
  use: (parts: {
    readonly client: QueueClient;
    /** Waits for the next job. */
    take(): Promise<unknown>;
    /** Sends a keep-alive. Resolves to what bee-queue gets to know: how many jobs were taken off the set. */
    keepAlive(job: string): Promise<unknown>;
  }) => Promise<void>,
): Promise<void> {
  const queue = queueKey(prefix, NAME);
  const client = new QueueClient({
    address: parseRedisAddress(server.url),
    queue,
    line: lineKeys(prefix, NAME),
    taskPrefix: taskKey(prefix, ''),
    freshFor,
    graceAfterReconnect: 0,
    onFault: () => undefined,
    onSuccess: () => undefined,
  });
  const taker = client.duplicate();
  const answer = (ask: (done: (error: unknown, answer?: unknown) => void) => void) =>
    new Promise((resolve, reject) => ask((error, value) => (error ? reject(error) : resolve(value))));
  try {
    await use({
      client,
      take: () => answer((done) => taker.brpoplpush(`${queue}waiting`, `${queue}active`, 0, done)),
      keepAlive: (job) => answer((done) => client.srem(`${queue}stalling`, job, done)),
    });
  } finally {
    client.disconnect();
  }
}

describe('a job that a script took', () => {
  it.concurrent(
    'comes with the fields of its task as they were then',
    withQueue(async (world) => {
      const { prefix, add, withRaw } = world;
      await withRaw((raw) =>
        raw.hSet(`${prefix}task:a`, { [FIELD.snapshot]: '{"id":"a"}', [FIELD.owner]: 'ada', [FIELD.input]: '7' }),
      );
      await add('a:1');
      await add('gone:1');
      await withClient(world, HOUR_MS, async ({ client, take }) => {
        expect([await take(), await take()]).toEqual(['a:1', 'gone:1']);
        const stored = { snapshot: '{"id":"a"}', owner: 'ada', input: '7' };
        expect(client.fieldsOfTaken('a:1')).toMatchObject({ ...stored, run: null, checkpoint: null });
        // No such task: every field is null, so whoever decodes them finds no task.
        const ofGone = client.fieldsOfTaken('gone:1');
        expect(ofGone).toMatchObject({ snapshot: null, owner: null });
        expect(client.fieldsOfTaken('a:1')).toBeUndefined();
      });
    }),
  );

  it.concurrent(
    'comes without fields if the tasks before it were large, or if its record is no hash',
    withQueue(async (world) => {
      const { prefix, add, withRaw } = world;
      await withRaw(async (raw) => {
        await raw.set(`${prefix}task:odd`, 'written by another program');
        await raw.hSet(`${prefix}task:large`, FIELD.input, 'x'.repeat(65_536));
        await raw.hSet(`${prefix}task:next`, FIELD.input, '1');
      });
      for (const job of ['odd:1', 'large:1', 'next:1']) await add(job);
      await withClient(world, HOUR_MS, async ({ client, take }) => {
        // Asked for together, so one script takes all three.
        expect(await Promise.all([take(), take(), take()])).toEqual(['odd:1', 'large:1', 'next:1']);
        expect(client.fieldsOfTaken('odd:1')).toBeUndefined();
        expect(client.fieldsOfTaken('large:1')?.input).toHaveLength(65_536);
        expect(client.fieldsOfTaken('next:1')).toBeUndefined();
      });
    }),
  );

  it.concurrent(
    'needs no keep-alive before its handler is called, if it was taken a moment ago',
    withQueue(async (world) => {
      await world.add('a:1');
      await withClient(world, HOUR_MS, async ({ client, take, keepAlive }) => {
        await take();
        await markStalling(world, 'a:1');
        expect(await keepAlive('a:1')).toBe(0);
        client.fieldsOfTaken('a:1');
        expect(await keepAlive('a:1')).toBe(1);
      });
    }),
  );

  it.concurrent(
    'needs a keep-alive if it was taken long ago, as by a worker whose event loop was blocked',
    withQueue(async (world) => {
      await world.add('a:1');
      await withClient(world, 0, async ({ take, keepAlive }) => {
        await take();
        await markStalling(world, 'a:1');
        expect(await keepAlive('a:1')).toBe(1);
      });
    }),
  );
});

/** Says of a job that it may be stalled, as bee-queue's check does. */
async function markStalling({ prefix, withRaw }: QueueWorld, job: string): Promise<void> {
  await withRaw((raw) => raw.sAdd(`${queueKey(prefix, NAME)}stalling`, job));
}
