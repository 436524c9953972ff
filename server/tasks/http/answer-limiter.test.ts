import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { Response } from 'express';
import fc from 'fast-check';
import { MAX_ANSWER_BYTES as MAX } from '../../../core/limits.ts';
import { AnswerLimiter } from './answer-limiter.ts';

/** An answer, as far as its bytes go. */
class Answer extends EventEmitter {
  destroyed = false;
  hasRoom: boolean | null = null;
  readonly bytes: number;

  constructor(limiter: AnswerLimiter, owner: string, bytes: number) {
    super();
    this.bytes = bytes;
    limiter.reserve(this as unknown as Response, owner, bytes).then(
      (hasRoom) => {
        this.hasRoom = hasRoom;
      },
      (error) => this.emit('refused', error),
    );
  }

  /** Sent, or its client has gone. */
  close(): void {
    this.destroyed = true;
    this.emit('close');
  }

  get isUnderWay(): boolean {
    return this.hasRoom === true && !this.destroyed;
  }
}

const settled = () => new Promise(setImmediate);

describe('answers under way', () => {
  it('of one owner wait for each other, and for nobody else', async () => {
    const limiter = new AnswerLimiter();
    const [first, second, third] = [1, 2, 3].map(() => new Answer(limiter, 'ada', MAX / 2)) as [Answer, Answer, Answer];
    const other = new Answer(limiter, 'bob', MAX / 2);
    await settled();
    expect([first, second, third, other].map(({ isUnderWay }) => isUnderWay)).toEqual([true, true, false, true]);
    first.close();
    await settled();
    expect(third.isUnderWay).toBe(true);
  });

  it('are sent in the order of the requests, and a request whose client has gone is skipped', async () => {
    const limiter = new AnswerLimiter();
    const first = new Answer(limiter, 'ada', MAX);
    const [gone, big, little] = [MAX, MAX, 1].map((bytes) => new Answer(limiter, 'ada', bytes)) as [
      Answer,
      Answer,
      Answer,
    ];
    await settled();
    gone.close();
    first.close();
    await settled();
    expect([gone.hasRoom, big.hasRoom, little.hasRoom]).toEqual([false, true, null]);
    big.close();
    await settled();
    expect(little.isUnderWay).toBe(true);
  });

  it('need not wait for the big one before them, once it has gone', async () => {
    const limiter = new AnswerLimiter();
    new Answer(limiter, 'ada', MAX / 2);
    const [big, little] = [MAX, 1].map((bytes) => new Answer(limiter, 'ada', bytes)) as [Answer, Answer];
    await settled();
    expect(little.hasRoom).toBeNull();
    big.close();
    await settled();
    expect(little.isUnderWay).toBe(true);
  });

  it('are refused with 429 where one waits for too long, or too many do', async () => {
    const limiter = new AnswerLimiter(20);
    new Answer(limiter, 'ada', MAX);
    const late = new Answer(limiter, 'ada', 1);
    const [error] = await EventEmitter.once(late, 'refused');
    expect(error).toMatchObject({ code: 'too_many_requests', status: 429, retryAfter: 1 });

    const crowded = new AnswerLimiter(60_000);
    // One is sent, 100 may wait, and the last is one too many.
    const all = Array.from({ length: 102 }, () => new Answer(crowded, 'ada', MAX));
    const [last] = await EventEmitter.once(all[101] as Answer, 'refused');
    expect(last).toMatchObject({ status: 429 });
    for (const answer of all) answer.close();
    await settled();
    expect(crowded.size).toBe(0);
  });

  it('never exceed the owner’s limit, all get their turn, and nothing is kept of them', async () => {
    const step = fc.record({
      bytes: fc.integer({ min: 1, max: MAX + 100_000 }),
      closes: fc.nat(20),
      owner: fc.constantFrom('ada', 'bob'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const limiter = new AnswerLimiter(60_000);
        const answers = new Map<string, Answer[]>([
          ['ada', []],
          ['bob', []],
        ]);
        const check = () => {
          for (const own of answers.values()) {
            const underWay = own.filter(({ isUnderWay }) => isUnderWay);
            const bytes = underWay.reduce((sum, answer) => sum + answer.bytes, 0);
            expect(underWay.length <= 1 || bytes <= MAX).toBe(true);
          }
        };
        for (const { bytes, closes, owner } of steps) {
          const own = answers.get(owner) as Answer[];
          own.push(new Answer(limiter, owner, bytes));
          await settled();
          own[closes]?.close();
          await settled();
          check();
        }
        for (const own of answers.values()) {
          for (const answer of own) {
            if (!answer.destroyed) expect(answer.hasRoom).toBe(true);
            answer.close();
            await settled();
          }
        }
        expect(limiter.size).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
