import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.ts';
import { Receiver } from './receiver.ts';

const SILENT = { onReady: () => {}, onGone: () => {} };

/** An answer over a network that takes nothing until it is told to. */
async function slowAnswer() {
  const waiting: Array<() => void> = [];
  let isOpen = false;
  const network = new Duplex({
    read() {},
    write(_chunk, _encoding, taken) {
      if (isOpen) taken();
      else waiting.push(taken);
    },
  });
  const server = createServer();
  const request = once(server, 'request') as Promise<[unknown, ServerResponse]>;
  server.emit('connection', network);
  network.push('POST / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [, res] = await request;
  return {
    res,
    takeAll() {
      isOpen = true;
      for (const taken of waiting.splice(0)) taken();
    },
    end: () => network.destroy(),
  };
}

describe('a request that receives', () => {
  it('takes no more than the network does, and says when it takes more', async () => {
    const { res, takeAll, end } = await slowAnswer();
    let isReadyAgain = false;
    const receiver = new Receiver('stream', res, {
      onReady: () => {
        isReadyAgain = true;
      },
      onGone: () => {},
    });
    receiver.sendMessages(['x'.repeat(100_000)]);
    expect(receiver.isReady).toBe(false);
    takeAll();
    await eventually(() => isReadyAgain);
    expect(receiver.isReady).toBe(true);
    end();
  });

  it('gives back exactly what the network has not taken, in order', async () => {
    const { res, end } = await slowAnswer();
    const receiver = new Receiver('stream', res, SILENT);
    receiver.sendMessages(['a', 'b']);
    receiver.sendMessages(['c']);
    expect(receiver.abandon()).toEqual(['a', 'b', 'c']);
    expect(receiver.abandon()).toEqual([]);
    expect(res.destroyed).toBe(true);
    end();
  });

  it('gives nothing back once all is taken', async () => {
    const { res, takeAll, end } = await slowAnswer();
    const receiver = new Receiver('poll', res, SILENT);
    const taken = once(res, 'finish');
    receiver.sendMessages(['a']);
    takeAll();
    await taken;
    expect(receiver.abandon()).toEqual([]);
    end();
  });
});
