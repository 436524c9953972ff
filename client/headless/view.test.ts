// The small pure parts of `inloop/headless`: groups, time left, results, announcements, banner, memory, wording.
import { describe, expect, it } from '@jest/globals';
import type { OutcomeSnapshot, Snapshot } from '../../core/tasks/snapshot.ts';
import { at, evolve, failed, queued, running, succeeded } from '../test-support/snapshots.ts';
import { announce } from './announce.ts';
import { describeConnection } from './banner.ts';
import { groupTasks, hideChildren, retriedIds } from './groups.ts';
import { remember } from './memory.ts';
import { factsOf, linksOf } from './words/result.ts';
import { observePace, type Pace, timeLeft } from './words/time-left.ts';
import { ENGLISH, plural } from './words/wording.ts';

describe('groups', () => {
  const seen = evolve(succeeded(3), { type: 'see', at: at(9) });
  const tasks = [running(5), queued(4), seen, succeeded(2, null, 20), failed(1, 'x', 30)];

  it('puts what is active first, then what is new, then the rest; the latest outcome first', () => {
    const { active, unseen, recent } = groupTasks(tasks);
    expect([active, unseen, recent].map((group) => group.map(({ id }) => Number(id.slice(-1))))).toEqual([
      [5, 4],
      [1, 2],
      [3],
    ]);
  });

  it('puts what has failed before everything else that is new', () => {
    const many = Array.from({ length: 300 }, (_, n) => (n % 100 === 50 ? failed(n, 'x', n) : succeeded(n, null, n)));
    const { unseen, recent } = groupTasks(many);
    expect(unseen.slice(0, 4).map(({ id }) => Number(id.slice(-4)))).toEqual([250, 150, 50, 299]);
    expect([unseen.length, recent.length]).toEqual([300, 0]);
  });

  it('moves nothing that is held', () => {
    expect(groupTasks(tasks, new Set([seen.id])).recent).toEqual([]);
  });

  it('lists a parent in place of its children, and a child whose parent is not in the list', () => {
    const child = (task: Snapshot, parent: Snapshot) => ({ ...task, parent: parent.id }) as Snapshot;
    const parent = running(1);
    const first = child(running(2), parent);
    const all = [child(failed(5), running(4)), child(queued(3), first), first, parent];
    expect(hideChildren(all)).toEqual([all[0], parent]);
    expect(hideChildren(tasks)).toBe(tasks);
  });

  it('marks a task that was retried', () => {
    expect(retriedIds([{ ...queued(2), retryOf: 'task-0001' }, queued(3)])).toEqual(new Set(['task-0001']));
  });
});

describe('time left', () => {
  /** What is said to be left, in seconds, after somebody has watched for `seconds`. `doneAt`: how many of 1,000 are done at a second. */
  const watch = (doneAt: (second: number) => number, seconds = 12) => {
    let pace: Pace | null = null;
    for (let second = 0; second <= seconds; second++) {
      pace = observePace(pace, { done: doneAt(second), total: 1_000 }, second * 1_000);
    }
    return timeLeft(pace, { done: doneAt(seconds), total: 1_000 }, seconds * 1_000);
  };

  it('is near the truth at a steady pace', () => {
    expect(watch((second) => second * 10)).toBeGreaterThanOrEqual(88);
    expect(watch((second) => second * 10)).toBeLessThanOrEqual(100);
  });

  it('follows a pace that has changed', () => {
    const left = watch((second) => (second < 10 ? second * 10 : 100 + (second - 10) * 20), 40);
    expect(left).toBeLessThan(25);
  });

  it('is silent when the pace is uneven, unknown or just begun', () => {
    expect(watch((second) => (second % 6 === 5 ? 100 * second : 100 * (second - (second % 6))))).toBeNull();
    expect(watch((second) => second * 10, 3)).toBeNull();
    expect(watch(() => 5)).toBeNull();
    expect(timeLeft(null, null, 0)).toBeNull();
  });

  it('begins again with another stage', () => {
    const before = observePace(observePace(null, { done: 0, total: 9 }, 0), { done: 5, total: 9 }, 1_000);
    expect(observePace(before, { done: 0, total: 9, stage: 'save' }, 2_000)).toMatchObject({ rate: null, watched: 0 });
  });
});

describe('results', () => {
  it('says numbers with their names, and zeros only where there is nothing else', () => {
    expect(factsOf({ imported: 839, rowsLeftOut: 3, broken: 0, text: '7', bad: Number.NaN }, ENGLISH)).toEqual([
      '839 imported',
      '3 rows left out',
    ]);
    expect(factsOf({ imported: 0 }, ENGLISH)).toEqual(['0 imported']);
    for (const result of [null, 7, 'x', [1], undefined]) expect(factsOf(result, ENGLISH)).toEqual([]);
  });

  it('links to this site and by https, and to nothing else', () => {
    const result = {
      url: 'https://ok.example/x',
      downloadUrl: '/files/1',
      invoicePdfUrl: 'http://localhost:3000/2',
      aUrl: 'javascript:alert(1)',
      bUrl: 'http://elsewhere.example',
      cUrl: 'data:text/html,x',
      dUrl: 7,
      curl: '/x',
    };
    expect(linksOf(result, ENGLISH, 'http://localhost:3000/page')).toEqual([
      { label: 'Open', href: 'https://ok.example/x' },
      { label: 'Download', href: '/files/1' },
      { label: 'Invoice pdf', href: 'http://localhost:3000/2' },
    ]);
  });
});

describe('announcements', () => {
  it('says several as one, and failures with their reason', () => {
    expect(announce([succeeded(1), failed(2), succeeded(3)] as OutcomeSnapshot[], ENGLISH)).toBe(
      '2 tasks done, 1 failed',
    );
    expect(announce([failed(2, 'It broke.')] as OutcomeSnapshot[], ENGLISH)).toBe('Failed: Task 2. It broke.');
    expect(announce([succeeded(1)] as OutcomeSnapshot[], ENGLISH)).toBe('Done: Task 1');
    expect(announce([], ENGLISH)).toBe('');
  });
});

describe('the banner', () => {
  it('is quiet while all is well, and about losses that are over in a moment', () => {
    const since = 10_000;
    const say = (connection: Parameters<typeof describeConnection>[0], now: number) =>
      describeConnection(connection, now, ENGLISH);
    expect(say({ status: 'live' }, 0)).toBe('');
    expect(say({ status: 'connecting' }, 0)).toBe('');
    expect(say({ status: 'polling', since, reason: 'lost' }, 11_000)).toBe('');
    expect(say({ status: 'polling', since, reason: 'lost' }, 12_000)).toMatch(/Reconnecting/);
    expect(say({ status: 'polling', since, reason: 'lost' }, 69_000)).toMatch(/Reconnecting/);
    // A loss that lasts for a minute counts as one that does not end: something blocks push here.
    expect(say({ status: 'polling', since, reason: 'lost' }, 71_000)).toBe(
      'Live updates are not available. Updates come a few seconds late.',
    );
    expect(say({ status: 'polling', since, reason: 'refused' }, 12_000)).toMatch(/not available/);
    expect(say({ status: 'offline', since }, 30_000)).toMatch(/20 s old/);
    expect(say({ status: 'signed-out' }, 0)).toMatch(/Sign in again/);
  });
});

describe('memory', () => {
  it('remembers since when nothing moved, and stays the same object while nothing is new', () => {
    const first = remember(undefined, running(1, { done: 1, total: 9 }));
    const alive = remember(first, evolve(first.snapshot, { type: 'alive', at: at(7), attempt: 1 }));
    expect(alive.movedAt).toBe(Date.parse(at(0)));
    expect(remember(alive, alive.snapshot)).toBe(alive);
    const moved = evolve(alive.snapshot, { type: 'progress', at: at(8), attempt: 1, progress: { done: 2, total: 9 } });
    expect(remember(alive, moved).movedAt).toBe(Date.parse(at(8)));
  });
});

describe('wording', () => {
  it('has durations that people say', () => {
    const { duration } = ENGLISH;
    expect([0, 59, 60, 150, 3_600, 3_900, 90_000, 172_800].map(duration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '3 min',
      '1 h',
      '1 h 5 min',
      '1 day',
      '2 days',
    ]);
  });

  it('uses the plural rules of a language', () => {
    const forms = { one: 'zadanie', few: 'zadania', many: 'zadań', other: 'zadania' };
    expect([1, 2, 5, 22].map((count) => plural('pl', count, forms))).toEqual([
      'zadanie',
      'zadania',
      'zadań',
      'zadania',
    ]);
  });
});
