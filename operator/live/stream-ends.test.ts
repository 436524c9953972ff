// When a stream ends, and that it holds up no other stream. Time is virtual; the responses are Node's, of clients that do not read.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { Response } from 'express';
import type { Overview } from '../../core/operator/overview.ts';
import { type LiveOptions, LiveStreams } from './live-streams.ts';

let streams: LiveStreams;
beforeEach(() => {
  jest.useFakeTimers();
  let reads = 0;
  const redis = { keys: { prefix: '', task: () => '' }, send: async () => [] };
  // Each read gives another overview, so each tick writes.
  const overview = { get: async () => ({ stuck: reads++ }) as unknown as Overview };
  streams = new LiveStreams({ backend: { redis }, overview } as unknown as LiveOptions);
});
afterEach(() => {
  streams.close();
  jest.useRealTimers();
});

/** Opens a stream to a client that reads nothing. */
async function open(isAllowed: () => Promise<boolean>) {
  const node = new ServerResponse(new IncomingMessage(new Socket()));
  const set = (headers: Record<string, string>) => {
    for (const [name, value] of Object.entries(headers)) node.setHeader(name, value);
  };
  const errors: unknown[] = [];
  node.on('error', (error) => errors.push(error));
  const written = jest.spyOn(node, 'write');
  await streams.open(Object.assign(node, { set }) as unknown as Response, { task: null, isAllowed });
  return { node, errors, heartbeats: () => written.mock.calls.filter(([text]) => text === ': \n\n').length };
}

it('writes nothing to a stream that has ended, although its client still holds the connection', async () => {
  const { node, errors } = await open(async () => false);
  const other = await open(async () => true);
  await jest.advanceTimersByTimeAsync(20_000);
  expect([node.writableEnded, other.node.writableEnded]).toEqual([true, false]);
  streams.close();
  await jest.advanceTimersByTimeAsync(20_000);
  expect(other.node.writableEnded).toBe(true);
  expect([...errors, ...other.errors]).toEqual([]);
});

it('ends a stream if `allow` has not answered by the next heartbeat, and holds up no other stream', async () => {
  const hanging = await open(() => new Promise(() => undefined));
  const other = await open(async () => true);
  await jest.advanceTimersByTimeAsync(17_000);
  expect([hanging.node.writableEnded, other.heartbeats()]).toEqual([false, 1]);
  await jest.advanceTimersByTimeAsync(15_000);
  expect([hanging.node.writableEnded, other.heartbeats()]).toEqual([true, 2]);
});

it('ends each stream after 10 minutes, so that the page sends a new request with the session as it is now', async () => {
  const { node, heartbeats } = await open(async () => true);
  await jest.advanceTimersByTimeAsync(590_000);
  expect(node.writableEnded).toBe(false);
  expect(heartbeats()).toBeGreaterThan(30);
  await jest.advanceTimersByTimeAsync(30_000);
  expect(node.writableEnded).toBe(true);
});
