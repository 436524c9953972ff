import { describe, expect, it } from '@jest/globals';
import type { OperatorSession } from '../../core/operator/calls.ts';
import { CallError } from './api.ts';
import { watchSession } from './session-watch.ts';

const ADA: OperatorSession = { role: 'act', who: 'ada', payloads: false, acts: ['retry'] };
const VIEWER: OperatorSession = { ...ADA, role: 'view', acts: [] };
const refused = (status: number, code = '') => new CallError(status, code, 'No.');

/** A watch. The test answers its questions and fires its timer. */
function setUp({ isHidden = false } = {}) {
  const told: unknown[] = [];
  const asked: { resolve(session: OperatorSession): void; reject(error: Error): void }[] = [];
  let waiting: { readonly callback: () => void; readonly ms: number } | null = null;
  const page = { isHidden };
  const watch = watchSession({
    ask: () => new Promise((resolve, reject) => asked.push({ resolve, reject })),
    onSession: (session) => told.push(session.role),
    onRefused: () => told.push('refused'),
    onTrouble: () => told.push('trouble'),
    timing: {
      wait(callback, ms) {
        const own = { callback, ms };
        waiting = own;
        return () => {
          if (waiting === own) waiting = null;
        };
      },
      isHidden: () => page.isHidden,
    },
  });
  return {
    watch,
    told,
    page,
    asked: () => asked.length,
    waits: () => waiting?.ms ?? null,
    /** Fires the timer. */
    due() {
      const { callback } = waiting ?? {};
      waiting = null;
      callback?.();
    },
    /** Answers the last question. */
    async answer(answer: OperatorSession | Error) {
      if (answer instanceof Error) asked.at(-1)?.reject(answer);
      else asked.at(-1)?.resolve(answer);
      // The watch acts on the answer a few microtasks later.
      for (let n = 0; n < 5; n++) await Promise.resolve();
    },
  };
}

describe('the session', () => {
  it('is told when it begins, changes, ends and begins again, and at no other time', async () => {
    const world = setUp();
    // `not_ours`: something else than our server has answered, such as the page of a login.
    const answers = [ADA, ADA, VIEWER, refused(404), refused(401), refused(200, 'not_ours'), VIEWER, ADA];
    for (const answer of answers) {
      await world.answer(answer);
      world.due();
    }
    expect(world.told).toEqual(['act', 'view', 'refused', 'view', 'act']);
  });

  it('is asked for every 30 s while there is one, and every 5 s while there is none', async () => {
    const world = setUp();
    await world.answer(ADA);
    expect(world.waits()).toBe(30_000);
    world.due();
    expect(world.asked()).toBe(2);
    await world.answer(refused(403));
    expect(world.waits()).toBe(5_000);
  });

  it('stays while the server is away or fails, since that is no refusal', async () => {
    const world = setUp();
    await world.answer(refused(503));
    expect(world.told).toEqual(['trouble']);
    expect(world.waits()).toBe(5_000);
    world.due();
    await world.answer(ADA);
    for (const status of [0, 500, 503, 429]) {
      world.due();
      await world.answer(refused(status));
    }
    expect(world.told).toEqual(['trouble', 'act']);
    world.due();
    await world.answer(refused(404));
    world.due();
    await world.answer(refused(503));
    expect(world.told).toEqual(['trouble', 'act', 'refused']);
  });

  it('is asked for once more if a call is refused while a question is under way', async () => {
    const world = setUp();
    world.watch.check();
    world.watch.check();
    expect(world.asked()).toBe(1);
    await world.answer(ADA);
    expect(world.asked()).toBe(2);
    await world.answer(refused(404));
    expect([world.asked(), world.told]).toEqual([2, ['act', 'refused']]);
  });

  it('is not asked for while the page is hidden, but as soon as it is visible', async () => {
    const world = setUp({ isHidden: true });
    world.watch.check();
    expect(world.asked()).toBe(0);
    world.page.isHidden = false;
    world.watch.check();
    await world.answer(ADA);
    world.page.isHidden = true;
    world.due();
    expect(world.asked()).toBe(1);
    world.page.isHidden = false;
    world.watch.check();
    expect(world.asked()).toBe(2);
  });
});
