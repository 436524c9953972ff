import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { OutcomeSnapshot } from '../../core/tasks/snapshot.ts';
import { ENGLISH } from '../headless/words/wording.ts';
import { create, run, succeed } from '../test-support/all-statuses.ts';
import { createLiveAnnouncer } from './live-announcer.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const done = (key: number) => succeed(run(create(key, `Import ${key}`, 5), 4), 0, null) as OutcomeSnapshot;
const slow = (key: number) => run(create(key, `Import ${key}`, 50), 40);

function setUp() {
  const region = { textContent: '' };
  return { region, announcer: createLiveAnnouncer(region, () => ENGLISH) };
}

it('gathers outcomes for a second, and announces them as one', () => {
  const { region, announcer } = setUp();
  announcer.announceOutcomes([done(1)]);
  jest.advanceTimersByTime(900);
  announcer.announceOutcomes([done(2), done(3)]);
  expect(region.textContent).toBe('');
  jest.advanceTimersByTime(100);
  expect(region.textContent).toBe('3 tasks done');
  announcer.announceOutcomes([done(4)]);
  jest.advanceTimersByTime(1_000);
  expect(region.textContent).toContain('Import 4');
});

it('announces once that a task is slow, however often it is told so', () => {
  const { region, announcer } = setUp();
  announcer.announceSlow(slow(1));
  jest.advanceTimersByTime(1_000);
  expect(region.textContent).toContain('Import 1');
  region.textContent = '';
  announcer.announceSlow(slow(1));
  jest.advanceTimersByTime(5_000);
  expect(region.textContent).toBe('');
});

it('announces nothing of a user who is gone, and is ready for the next one', () => {
  const { region, announcer } = setUp();
  region.textContent = 'Done: Import 0';
  announcer.announceOutcomes([done(1)]);
  announcer.announceSlow(slow(2));
  announcer.reset();
  expect(region.textContent).toBe('');
  jest.advanceTimersByTime(5_000);
  expect(region.textContent).toBe('');
  announcer.announceSlow(slow(2));
  jest.advanceTimersByTime(1_000);
  expect(region.textContent).toContain('Import 2');
});
