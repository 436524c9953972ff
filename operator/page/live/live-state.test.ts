import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createEventReader } from './event-text.ts';
import { HIDDEN, type LiveEvent, type LiveState, linkOf, nextLive } from './live-state.ts';

/**
 * The event of a stream that has ended after `livedFor` ms. The server asks to wait for `retryAfter` s. With `chance` 1 no
 * wait is shortened by chance.
 */
const ended = (livedFor = 0, retryAfter = 0): LiveEvent => ({ type: 'ended', livedFor, retryAfter, chance: 1 });
/** Starts with a hidden page. Returns the state after these events, and the effect of each. */
const run = (...events: LiveEvent[]) =>
  events.reduce<{ state: LiveState; effects: unknown[] }>(
    ({ state, effects }, event) => {
      const next = nextLive(state, event);
      return { state: next.state, effects: [...effects, next.effect] };
    },
    { state: HIDDEN, effects: [] },
  );
const [shown, hidden, opened, due] = (['shown', 'hidden', 'opened', 'due'] as const).map((type) => ({ type }));
const UP = [shown, opened] as LiveEvent[];

describe('the live stream', () => {
  it('is lost when it ends, and is tried again after waits that grow to 15 s', () => {
    const { state, effects } = run(...UP, ...Array.from({ length: 8 }, () => [ended(), due as LiveEvent]).flat());
    expect(linkOf(state)).toBe('lost');
    expect(effects.flatMap((effect) => ('ms' in (effect as object) ? [(effect as { ms: number }).ms] : []))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
    ]);
  });

  it('is tried again soon if it was up for a while, but not before the server wants, up to 60 s', () => {
    const before = [...UP, ended(), due, ended(), due, opened] as LiveEvent[];
    expect(run(...before, ended(60_000)).effects.at(-1)).toEqual({ type: 'wait', ms: 500 });
    expect(run(...before, ended(0, 30)).effects.at(-1)).toEqual({ type: 'wait', ms: 30_000 });
    expect(run(...before, ended(0, 9_999)).effects.at(-1)).toEqual({ type: 'wait', ms: 60_000 });
  });

  it('refreshes what is shown whenever it is up again', () => {
    expect(run(...UP, ended(), due as LiveEvent, opened as LiveEvent).effects.at(-1)).toEqual({ type: 'refresh' });
  });

  it('holds no connection and no timer while the page is hidden, whatever happens', () => {
    const event = fc.constantFrom(shown, hidden, opened, due, ended()) as fc.Arbitrary<LiveEvent>;
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const { effects } = run(...events, hidden as LiveEvent);
        const held = effects.map((effect) => (effect as { type: string }).type).filter((type) => type !== 'nothing');
        // After the last "disconnect" nothing is started.
        expect(held.length === 0 || held.at(-1) === 'disconnect').toBe(true);
      }),
    );
  });
});

describe('the text of the stream', () => {
  it('gives the same events in whatever pieces it comes', () => {
    const text =
      ': hello\n\nevent: changed\ndata: {"version":1}\n\n:\n\nevent: task\r\ndata: a\r\ndata: b\r\n\r\ndata: x\n\n';
    const wanted = [
      { name: 'changed', data: '{"version":1}' },
      { name: 'task', data: 'a\nb' },
      { name: 'message', data: 'x' },
    ];
    for (let at = 0; at <= text.length; at++) {
      const read = createEventReader();
      expect([...read(text.slice(0, at)), ...read(text.slice(at))]).toEqual(wanted);
    }
  });

  it('refuses an event that becomes too long', () => {
    const read = createEventReader();
    expect(() => read('x'.repeat(4_000_001))).toThrow(RangeError);
  });
});
