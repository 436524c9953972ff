/** When a task may take its next step. The time is simulated; each step costs one event of the budget. */

import { beforeEach, describe, expect, it } from '@jest/globals';
import { Budget } from './budget.ts';
import { type GivenTurn, Pacer } from './pacer.ts';

let budget: Budget;
let pacer: Pacer;
let now: number;
/** Each turn that was given. */
let turns: { readonly at: number; readonly owner: string; readonly key: string }[];
/** Turns that were given and have not ended. */
let open: { readonly endsAt: number; readonly turn: GivenTurn }[];
/** How long a task takes to store a step, in ms. */
let storeMs: number;
/** Whether each task asks for its next turn when a turn has ended. */
let isMoving: boolean;

/** Begins anew: a pacer with a budget of `perSecond` messages a second, at time 0. */
function start(perSecond: number): void {
  budget = new Budget(perSecond);
  pacer = new Pacer(budget);
  now = 0;
  turns = [];
  open = [];
  storeMs = 0;
  isMoving = true;
}

beforeEach(() => start(10));

/** Lets `ms` pass. Each turn is a step that is published; while `isMoving`, its task waits for the next one at once. */
function pass(ms: number): void {
  const end = now + ms;
  for (;;) {
    const next = Math.min(pacer.nextTurnAt, ...open.map(({ endsAt }) => endsAt));
    if (next > end) break;
    now = Math.max(now, next);
    const ended = open.filter(({ endsAt }) => endsAt <= now);
    open = open.filter(({ endsAt }) => endsAt > now);
    for (const { turn } of ended) {
      budget.spend(turn.owner, false, now);
      pacer.endTurn(turn, now);
      if (isMoving) pacer.request(turn.owner, turn.key, now, now);
    }
    for (const turn of pacer.giveTurns(now)) {
      turns.push({ at: now, owner: turn.owner, key: turn.key });
      open.push({ turn, endsAt: now + storeMs });
    }
  }
  now = end;
}

/** How many turns the task `key` was given. */
const countOf = (key: string) => turns.filter((turn) => turn.key === key).length;

describe('a task that moves all the time', () => {
  it('takes its first step at once, then ten a second', () => {
    pacer.request('ada', 'a', 0, 0);
    pass(0);
    expect(turns).toHaveLength(1);
    pass(60_000);
    expect(turns.length).toBeGreaterThanOrEqual(595);
    for (const { at } of turns) {
      expect(turns.filter((turn) => turn.at > at - 1_000 && turn.at <= at).length).toBeLessThanOrEqual(10);
    }
  });

  it('takes three a second, evenly, while three workers run tasks of its owner', () => {
    const tell = () => budget.share('ada', 3, now);
    tell();
    pacer.request('ada', 'a', 0, 0);
    for (let second = 0; second < 20; second++) {
      pass(1_000);
      tell();
    }
    expect(turns.length).toBeGreaterThanOrEqual(58);
    expect(turns.length).toBeLessThanOrEqual(61);
    for (const [n, { at }] of turns.entries()) {
      if (n > 0) expect(at - (turns[n - 1]?.at ?? 0)).toBeGreaterThanOrEqual(300);
    }
  });

  it('takes one step a second at one push a second', () => {
    start(1);
    pacer.request('ada', 'a', 0, 0);
    pass(60_000);
    expect(turns).toHaveLength(61);
    for (const [n, { at }] of turns.entries()) expect(at).toBe(n * 1_000);
  });

  it('takes turns with its owner’s other tasks, and does not wait for other owners', () => {
    const mine = ['a1', 'a2', 'a3', 'a4', 'a5'];
    for (const key of mine) pacer.request('ada', key, 0, 0);
    pacer.request('bob', 'b', 0, 0);
    pass(10_000);
    for (const key of mine) {
      expect(countOf(key)).toBeGreaterThanOrEqual(19);
      expect(countOf(key)).toBeLessThanOrEqual(21);
    }
    expect(countOf('b')).toBeGreaterThanOrEqual(99);
  });

  it('takes a step each second however many outcomes its owner gets', () => {
    pacer.request('ada', 'a', 0, 0);
    for (let n = 0; n < 200; n++) {
      budget.spend('ada', true, now);
      pass(50);
    }
    expect(turns.length).toBeGreaterThanOrEqual(9);
    for (const [n, { at }] of turns.entries()) expect(at - (turns[n - 1]?.at ?? 0)).toBeLessThanOrEqual(1_100);
  });
});

describe('a turn', () => {
  beforeEach(() => {
    isMoving = false;
  });

  it('is not given before the task wants it', () => {
    pacer.request('ada', 'a', 200, 0);
    pass(1_000);
    expect(turns).toEqual([{ at: 200, owner: 'ada', key: 'a' }]);
  });

  it('is given at the newer time if the task first wanted it later', () => {
    pacer.request('ada', 'a', 5_000, 0);
    pacer.request('ada', 'a', 300, 0);
    pass(10_000);
    expect(turns).toEqual([{ at: 300, owner: 'ada', key: 'a' }]);
  });

  it('is not given to a task that waits no more', () => {
    pacer.request('ada', 'a', 200, 0);
    pacer.withdraw('ada', 'a');
    pacer.withdraw('nobody', 'a');
    pass(1_000);
    expect(turns).toEqual([]);
  });

  it('falls on a multiple of 50 ms nearly always, so that many owners’ steps share requests', () => {
    isMoving = true;
    for (let n = 0; n < 100; n++) {
      pacer.request(`user-${n}`, `t${n}`, now, now);
      pass(7);
    }
    turns = [];
    pass(5_000);
    expect(turns.length).toBeGreaterThan(4_500);
    expect(turns.filter(({ at }) => at % 50 !== 0).length).toBeLessThan(turns.length / 5);
  });

  it('counts as a message until it ends, so the budget is not given away twice', () => {
    start(1);
    pacer.request('ada', 'a', 0, 0);
    const [turn] = pacer.giveTurns(0) as [GivenTurn];
    pacer.request('ada', 'b', 0, 0);
    expect(pacer.giveTurns(5_000)).toEqual([]);
    // Nothing was sent in this turn, so the budget is whole again.
    pacer.endTurn(turn, 5_000);
    expect(pacer.giveTurns(5_000)).toMatchObject([{ key: 'b' }]);
  });
});

describe('the window', () => {
  it('grows to a second while the store is slow, and comes back', () => {
    pacer.request('ada', 'a', 0, 0);
    storeMs = 150;
    pass(5_000);
    expect(pacer.window).toBe(1_000);
    turns = [];
    pass(10_000);
    expect(turns.length).toBeGreaterThanOrEqual(8);
    expect(turns.length).toBeLessThanOrEqual(11);
    storeMs = 2;
    pass(10_000);
    expect(pacer.window).toBe(100);
  });

  it('grows while the bus fails', () => {
    pacer.noteAnswer(2, true, 0);
    expect(pacer.window).toBe(200);
    pacer.noteAnswer(2, true, 200);
    expect(pacer.window).toBe(400);
  });

  it('counts slow answers that come together as one', () => {
    for (let n = 0; n < 4; n++) pacer.noteAnswer(500, false, 0);
    expect(pacer.window).toBe(200);
  });

  it('is not halved within a second', () => {
    pacer.noteAnswer(500, false, 0);
    pacer.noteAnswer(2, false, 999);
    expect(pacer.window).toBe(200);
    pacer.noteAnswer(2, false, 1_000);
    expect(pacer.window).toBe(100);
  });

  it('is a second at one push a second, however slow the bus is', () => {
    start(1);
    for (let n = 0; n < 10; n++) pacer.noteAnswer(5_000, false, n * 5_000);
    expect(pacer.window).toBe(1_000);
  });
});

describe('owners without tasks', () => {
  it('are forgotten after a second, when another one comes', () => {
    isMoving = false;
    for (let n = 0; n < 5_000; n++) {
      pacer.request(`user-${n}`, `t${n}`, now, now);
      pass(10);
    }
    // Two seconds of new owners, at a hundred a second.
    expect(pacer.owners).toBeLessThanOrEqual(210);
  });
});
