import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { Receiver } from './receiver.ts';

const SILENT = { onReady: () => {}, onGone: () => {} };

/** An answer over a network that takes nothing until it is told to. */
function slowAnswer() {
  const waiting: Array<() => void> = [];
  const network = new Duplex({
    read() {},
    write(_chunk, _encoding, taken) {
      waiting.push(taken);
    },
  });
  const res = new ServerResponse(new IncomingMessage(new Socket()));
  res.assignSocket(network as Socket);
  let isOpen = false;
  return {
    res,
    takeAll() {
      isOpen = true;
      const go = () => {
        for (const taken of waiting.splice(0)) taken();
        if (isOpen) setImmediate(go);
      };
      go();
    },
    end() {
      isOpen = false;
      network.destroy();
    },
  };
}

describe('a request that receives', () => {
  it('takes no more than the network does, and says when it takes more', async () => {
    const { res, takeAll, end } = slowAnswer();
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

  it('gives back exactly what the network has not taken, in order', () => {
    const { res, end } = slowAnswer();
    const receiver = new Receiver('stream', res, SILENT);
    receiver.sendMessages(['a', 'b']);
    receiver.sendMessages(['c']);
    expect(receiver.abandon()).toEqual(['a', 'b', 'c']);
    expect(receiver.abandon()).toEqual([]);
    expect(res.destroyed).toBe(true);
    end();
  });

  it('gives nothing back once all is taken', async () => {
    const { res, takeAll, end } = slowAnswer();
    const receiver = new Receiver('poll', res, SILENT);
    receiver.sendMessages(['a']);
    takeAll();
    await eventually(() => res.writableFinished);
    expect(receiver.abandon()).toEqual([]);
    end();
  });
});
