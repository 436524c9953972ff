import { describe, expect, it } from '@jest/globals';
import type { Isolation } from '../../backend/recovery/probation.ts';
import { FakeTime, settled } from '../../test/support/fakes/fake-time.ts';
import { type Admission, AdmissionControl } from './admission-control.ts';

/** Admission control for tasks that are named by letters, and which of them are admitted. */
function setUp() {
  const time = new FakeTime();
  const control = new AdmissionControl(time);
  const inside = new Map<string, Admission>();
  return {
    letTimePass: (ms: number) => time.advance(ms),
    inside: () => [...inside.keys()].join(''),
    async come(name: string, isolation: Isolation, signal = new AbortController().signal) {
      void control.enter(isolation, signal).then((admission) => admission && inside.set(name, admission));
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

/** The same, while the task `a` runs, and `b` waits to run alone. */
async function setUpWaiting() {
  const control = setUp();
  await control.come('a', 'free');
  await control.come('b', 'alone');
  return control;
}

describe('admission control', () => {
  it('lets free tasks in at once', async () => {
    const control = setUp();
    for (const name of 'abc') await control.come(name, 'free');
    expect(control.inside()).toBe('abc');
  });

  it('starts suspects one by one beside those that run, and nobody during a probation', async () => {
    const control = setUp();
    await control.come('a', 'free');
    await control.come('b', 'probation');
    await control.come('c', 'probation');
    await control.come('d', 'free');
    expect(control.inside()).toBe('ab');
    await control.pass('b');
    expect(control.inside()).toBe('abc');
    await control.leave('c');
    expect(control.inside()).toBe('abd');
  });

  it('starts a task alone when nothing runs, and lets free tasks start before it meanwhile', async () => {
    const control = await setUpWaiting();
    await control.come('c', 'free');
    expect(control.inside()).toBe('ac');
    await control.leave('a');
    expect(control.inside()).toBe('c');
    await control.leave('c');
    expect(control.inside()).toBe('b');
    await control.come('d', 'free');
    expect(control.inside()).toBe('b');
    await control.pass('b');
    expect(control.inside()).toBe('bd');
  });

  it('keeps others from starting after 30 s, so that a task that runs alone starts in a busy worker', async () => {
    const control = await setUpWaiting();
    await control.letTimePass(30_000);
    await control.come('c', 'free');
    expect(control.inside()).toBe('a');
    await control.leave('a');
    expect(control.inside()).toBe('b');
    await control.leave('b');
    expect(control.inside()).toBe('c');
  });

  it('lets others start again after 30 s more, if a task that is to run alone still has to wait', async () => {
    const control = await setUpWaiting();
    await control.letTimePass(30_000);
    await control.come('c', 'free');
    expect(control.inside()).toBe('a');
    await control.letTimePass(30_000);
    await control.come('d', 'free');
    expect(control.inside()).toBe('acd');
  });

  it('starts a task that waits to run alone after ten minutes beside others, and nothing during its probation', async () => {
    const control = await setUpWaiting();
    await control.letTimePass(600_000);
    await control.come('c', 'free');
    expect(control.inside()).toBe('ab');
    await control.pass('b');
    expect(control.inside()).toBe('abc');
  });

  it('starts a task that waits to run alone after ten minutes, even if nothing else comes or goes', async () => {
    const control = await setUpWaiting();
    await control.letTimePass(599_999);
    expect(control.inside()).toBe('a');
    await control.letTimePass(1);
    expect(control.inside()).toBe('ab');
  });

  it('forgets a task that gives up, and lets in those behind it', async () => {
    const control = setUp();
    const givesUp = new AbortController();
    await control.come('a', 'probation');
    await control.come('b', 'probation', givesUp.signal);
    await control.come('c', 'free');
    givesUp.abort();
    await control.leave('a');
    expect(control.inside()).toBe('c');
  });

  it('lets in one task, not two, when a task passes twice and then leaves', async () => {
    const control = setUp();
    await control.come('a', 'probation');
    await control.come('b', 'probation');
    await control.pass('a');
    await control.pass('a');
    expect(control.inside()).toBe('ab');
    await control.come('c', 'free');
    await control.leave('a');
    expect(control.inside()).toBe('b');
    await control.leave('b');
    expect(control.inside()).toBe('c');
  });
});
