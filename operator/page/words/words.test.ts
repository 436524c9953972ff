import { describe, expect, it } from '@jest/globals';
import { ACTS } from '../../../core/operator/acts.ts';
import type { StoryType } from '../../../core/operator/task-details.ts';
import { STATUSES } from '../../../core/tasks/snapshot.ts';
import { agoWords, betweenWords, clockWords, secondsWords } from './times.ts';
import {
  ageWords,
  confirmWords,
  doneWords,
  previewWords,
  progressWords,
  STUCK,
  statusWord,
  stoppedWords,
  storyTone,
  storyWords,
  toneOf,
} from './words.ts';

const now = new Date(2026, 0, 31, 14, 30).getTime();
const ago = (seconds: number) => new Date(now - seconds * 1_000).toISOString();
const entry = (type: StoryType, code: string | null = null) => ({
  at: ago(0),
  type,
  attempt: 2,
  code,
  worker: null,
  dueAt: null,
});

describe('words', () => {
  it('has a word and a tone for every status, and another tone for a success that left something out', () => {
    expect(STATUSES.map((status) => `${statusWord(status)}: ${toneOf({ status, progress: null })}`)).toEqual([
      'Waiting to start: waiting',
      'Running: active',
      'Trying again: warning',
      'Cancelling: neutral',
      'Done: good',
      'Failed: bad',
      'Cancelled: neutral',
    ]);
    expect(toneOf({ status: 'succeeded', progress: { done: 3, total: 3, skipped: 1 } })).toBe('partial');
  });

  it.each([
    ['running', { done: 1_042, total: 2_000, stage: 'save' }, 'save, 1,042 of 2,000'],
    ['running', { done: 7, total: null }, '7 done'],
    ['succeeded', { done: 10, total: 10, skipped: 2, failed: 1 }, '10 done, 2 skipped, 1 failed'],
  ] as const)('says how far a task is: %s %j', (status, progress, words) => {
    expect(progressWords({ status, progress })).toBe(words);
    expect(progressWords({ status, progress: null })).toBe('');
  });

  it('tells a story with its reasons, and shows an unknown type of entry by its name', () => {
    expect(storyWords(entry('failed-attempt', 'timeout'))).toBe('Attempt 2 failed: timeout');
    expect(storyWords(entry('crashed'))).toBe('The worker died during attempt 2');
    expect(storyWords(entry('moved' as StoryType))).toBe('moved');
    expect([storyTone(entry('crashed')), storyTone(entry('seen'))]).toEqual(['bad', 'neutral']);
  });

  it('has a reason and a cure for each way of being stuck', () => {
    for (const { why, cure } of Object.values(STUCK)) {
      expect(why).toMatch(/^[A-Z].*[^.]$/);
      expect(cure).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('says before an act how many tasks it is about, and afterwards how many it was', () => {
    const all = { filter: {} };
    expect(previewWords('retry', all, 1, true)).toBe('This starts 1 task again, each as a new task.');
    expect(previewWords('cancel', all, 10_000, false)).toBe('This cancels more than 10,000 tasks.');
    expect(previewWords('cancel', all, 0, true)).toBe('No task that matches can be cancelled.');
    expect(previewWords('forget', { owner: 'ada' }, 2, true)).toContain('2 tasks. It cannot be undone.');
    expect(previewWords('pause', { name: 'mails' }, 0, true)).toContain('no more tasks of mails until');
    expect(ACTS.map((act) => confirmWords(act, 2))).toEqual([
      'Retry 2 tasks',
      'Cancel 2 tasks',
      'Erase for ever',
      'Pause',
      'Resume',
    ]);
    expect(doneWords('retry', all, { done: 1_200, refused: 3 })).toBe('Retried 1,200 tasks. 3 could not be.');
    expect(doneWords('pause', { name: 'mails' }, { done: 0, refused: 0 })).toBe('Paused mails.');
    const stopped = stoppedWords('forget', { owner: 'ada' }, { done: 3_000, refused: 0 });
    expect(stopped).toBe('Removed 3,000 tasks. The rest is as it was.');
  });

  it('says ages of a filter', () => {
    expect([ageWords(''), ageWords('1d'), ageWords('over-15m')]).toEqual([
      'Any time',
      'In the last 1 day',
      'Before the last 15 min',
    ]);
  });
});

describe('times', () => {
  it('are said relative to now', () => {
    expect([agoWords(ago(0), now), agoWords(ago(75), now), agoWords(ago(-30), now)]).toEqual([
      'just now',
      '1 min ago',
      'in 30 s',
    ]);
  });

  it('have the day if it is not today', () => {
    expect(clockWords(ago(60), now)).not.toMatch(/Jan|31/);
    expect(clockWords(ago(86_400), now)).toMatch(/Jan.*30|30.*Jan/);
  });

  it('are short for run times', () => {
    expect([0.004, 0.41, 9.96, 12.4, 75].map(secondsWords)).toEqual(['0 s', '0.41 s', '10 s', '12 s', '1 min']);
    expect(betweenWords(ago(90), ago(0))).toBe('2 min');
    expect(betweenWords(ago(0), ago(90))).toBe('0 s');
  });
});
