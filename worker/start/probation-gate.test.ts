import { describe, expect, it } from '@jest/globals';
import type { Isolation } from '../../backend/recovery/probation.ts';
import { FakeTime, settled } from '../../test/support/fakes/fake-time.ts';
import { type Admission, ProbationGate } from './probation-gate.ts';

/** A gate whose tasks are called by letters, and who is in. */
function setUp() {
  const time = new FakeTime();
  const gate = new ProbationGate(time);
  const inside = new Map<string, Admission>();
  return {
    letTimePass: (ms: number) => time.advance(ms),
    inside: () => [...inside.keys()].join(''),
    async come(name: string, isolation: Isolation, signal = new AbortController().signal) {
      void gate.enter(isolation, signal).then((admission) => admission && inside.set(name, admission));
      await settled();
    },
    async pass(name: string) {
      inside.get(name)?.pass();
      await settled();
    },
    async leave(name: string) {
      const admission = inside.get(name);
      inside.delete(name);
      admission?.leave();
      await settled();
    },
  };
}

describe('the probation gate', () => {
  it('lets free tasks in at once', async () => {
    const gate = setUp();
    for (const name of 'abc') await gate.come(name, 'free');
    expect(gate.inside()).toBe('abc');
  });

  it('starts suspects one by one beside those that run, and nobody during a probation', async () => {
    const gate = setUp();
    await gate.come('a', 'free');
    await gate.come('b', 'probation');
    await gate.come('c', 'probation');
    await gate.come('d', 'free');
    expect(gate.inside()).toBe('ab');
    await gate.pass('b');
    expect(gate.inside()).toBe('abc');
    await gate.leave('c');
    expect(gate.inside()).toBe('abd');
  });

  it('starts a task alone when nothing runs, and lets free tasks start before it meanwhile', async () => {
    const gate = setUp();
    await gate.come('a', 'free');
    await gate.come('b', 'alone');
    await gate.come('c', 'free');
    expect(gate.inside()).toBe('ac');
    await gate.leave('a');
    expect(gate.inside()).toBe('c');
    await gate.leave('c');
    expect(gate.inside()).toBe('b');
    await gate.come('d', 'free');
    expect(gate.inside()).toBe('b');
    await gate.pass('b');
    expect(gate.inside()).toBe('bd');
  });

  it('keeps others from starting after 30 s, so that a task that runs alone starts in a busy worker', async () => {
    const gate = setUp();
    await gate.come('a', 'free');
    await gate.come('b', 'alone');
    await gate.letTimePass(30_000);
    await gate.come('c', 'free');
    expect(gate.inside()).toBe('a');
    await gate.leave('a');
    expect(gate.inside()).toBe('b');
    await gate.leave('b');
    expect(gate.inside()).toBe('c');
  });

  it('keeps others waiting for a task that runs alone for 30 s at a time, however long a running task takes', async () => {
    const gate = setUp();
    await gate.come('a', 'free');
    await gate.come('b', 'alone');
    await gate.letTimePass(30_000);
    await gate.come('c', 'free');
    expect(gate.inside()).toBe('a');
    await gate.letTimePass(30_000);
    await gate.come('d', 'free');
    expect(gate.inside()).toBe('acd');
  });

  it('starts a task that waits to run alone after ten minutes beside others, and nothing during its probation', async () => {
    const gate = setUp();
    await gate.come('a', 'free');
    await gate.come('b', 'alone');
    await gate.letTimePass(600_000);
    await gate.come('c', 'free');
    expect(gate.inside()).toBe('ab');
    await gate.pass('b');
    expect(gate.inside()).toBe('abc');
  });

  it('starts such a task after ten minutes, even if nothing else comes or goes', async () => {
    const gate = setUp();
    await gate.come('a', 'free');
    await gate.come('b', 'alone');
    await gate.letTimePass(599_999);
    expect(gate.inside()).toBe('a');
    await gate.letTimePass(1);
    expect(gate.inside()).toBe('ab');
  });

  it('forgets a task that gives up, and lets in those behind it', async () => {
    const gate = setUp();
    const givesUp = new AbortController();
    await gate.come('a', 'probation');
    await gate.come('b', 'probation', givesUp.signal);
    await gate.come('c', 'free');
    givesUp.abort();
    await gate.leave('a');
    expect(gate.inside()).toBe('c');
  });

  it('lets in nobody too many when a task passes and leaves twice', async () => {
    const gate = setUp();
    await gate.come('a', 'probation');
    await gate.come('b', 'probation');
    await gate.pass('a');
    await gate.pass('a');
    expect(gate.inside()).toBe('ab');
    await gate.come('c', 'free');
    await gate.leave('a');
    expect(gate.inside()).toBe('b');
    await gate.leave('b');
    expect(gate.inside()).toBe('c');
  });
});
