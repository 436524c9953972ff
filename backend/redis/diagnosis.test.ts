// What the doctor is told of a Redis whose clock is off: a made-up server, since a real one has the clock of this machine.

import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { diagnoseRedis } from './diagnosis.ts';

const OK = '+OK\r\n';
/** A text as Redis sends it (RESP). */
const text = (value: string) => `$${Buffer.byteLength(value)}\r\n${value}\r\n`;

let close: () => void = () => undefined;
afterEach(() => close());

/** A Redis of version 7 whose clock is ahead by `ms`, or that refuses TIME. It takes every write. Returns its address. */
async function startFakeRedis(ms: number | null): Promise<string> {
  const answers: Readonly<Record<string, () => string>> = {
    HELLO: () => '-ERR unknown command\r\n',
    INFO: () => text('redis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\nmaxmemory_policy:noeviction'),
    EVAL: () => `*1\r\n${text('')}`,
    TIME() {
      if (ms === null) return '-NOPERM no permissions\r\n';
      const at = Date.now() + ms;
      return `*2\r\n${text(String(Math.floor(at / 1_000)))}${text(String((at % 1_000) * 1_000))}`;
    },
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    // Each command is an array of texts: `*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n`. The first text names it.
    socket.on('data', (data) => {
      for (const [, name = ''] of data.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g))
        socket.write((answers[name.toUpperCase()] ?? (() => OK))());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the clock of a Redis', () => {
  it.each([600_000, -90_000, 0])('is found to be ahead by %d ms', async (ms) => {
    const url = await startFakeRedis(ms);
    const { aheadMs, unreachable, unusable, noWrites, roundTripMs } = await diagnoseRedis(url, {
      prefix: 'p:',
      scripts: [],
    });
    expect({ unreachable, unusable, noWrites }).toEqual({ unreachable: null, unusable: null, noWrites: null });
    // The server reads its clock between the question and the answer, so the estimate is off by half of the round trip at most.
    expect(Math.abs(aheadMs - ms)).toBeLessThanOrEqual(roundTripMs / 2 + 2);
  });

  it('counts as right where the user may not ask for it', async () => {
    const { aheadMs, unreachable } = await diagnoseRedis(await startFakeRedis(null), { prefix: 'p:', scripts: [] });
    expect({ aheadMs, unreachable }).toEqual({ aheadMs: 0, unreachable: null });
  });
});
