import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createServerClock } from './clock.ts';
import { at } from './test-support/snapshots.ts';

/** A page whose monotonic clock starts at 0, and a server whose clock can be set forward or back. */
function start(serverStart = Date.parse(at(0))) {
  let ours = 0;
  let theirs = serverStart;
  const clock = createServerClock(() => ours);
  const pass = (ms: number) => {
    ours += ms;
    theirs += ms;
  };
  return {
    clock,
    pass,
    /** Sets the server's clock forward by `ms`; back if `ms` is negative. */
    moveServer: (ms: number) => {
      theirs += ms;
    },
    /** How many ms the clock of the page differs from the server's. */
    error: () => clock.now() - theirs,
    /** The page asks the server, and learns from the answer. Each way takes so many ms. */
    ask(there: number, back: number, header: 'inloop-time' | 'date' = 'inloop-time') {
      const sent = ours;
      pass(there);
      const time = new Date(theirs);
      const headers = new Headers({ [header]: header === 'date' ? time.toUTCString() : time.toISOString() });
      pass(back);
      clock.learnFromAnswer(headers, { sent, received: ours });
    },
  };
}

const delay = fc.integer({ min: 0, max: 3_000 });

describe("the server's clock", () => {
  it('is known as exactly as the quickest answer tells, whatever our own clock says', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(delay, delay), { minLength: 1 }), (answers) => {
        const { ask, error } = start();
        for (const [there, back] of answers) ask(there, back);
        const quickest = Math.min(...answers.map(([there, back]) => there + back));
        expect(Math.abs(error())).toBeLessThanOrEqual(quickest);
      }),
    );
  });

  it('is known again with the next answer when it was set forward or back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -600_000, max: 600_000 }), delay, delay, (jump, there, back) => {
        const { ask, pass, moveServer, error } = start();
        ask(20, 20);
        pass(60_000);
        moveServer(jump);
        ask(there, back);
        expect(Math.abs(error())).toBeLessThanOrEqual(there + back);
      }),
    );
  });

  it('is known to the second where answers have no header but `Date` to tell it', () => {
    const { ask, pass, error } = start(Date.parse(at(0)) + 700);
    for (let n = 0; n < 9; n++) {
      ask(30, 30, 'date');
      pass(1_370);
    }
    expect(Math.abs(error())).toBeLessThan(1_000);
  });
});
