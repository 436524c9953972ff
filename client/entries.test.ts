// What the entries of the client export: what a follower needs from `inloop/client`, what draws from `inloop/headless`.
import { expect, it } from '@jest/globals';
import { typeCheck } from '../test/support/type-check.ts';
import * as headless from './headless/index.ts';
import * as client from './index.ts';

it('inloop/client follows tasks, and nothing else', () => {
  expect(Object.keys(client).sort()).toEqual(['connectTasks', 'createTaskFeed', 'shareConnection']);
});

it('inloop/headless has nothing that connects', () => {
  expect(Object.keys(headless)).toEqual(expect.arrayContaining(['groupTasks', 'mergeSnapshots', 'presentOutcomes']));
  for (const name of Object.keys(client)) expect(headless).not.toHaveProperty(name);
});

it('both compile together, as those write it who draw their own tray', async () => {
  const page = `
    import { createTaskFeed, type FeedOptions, type TaskFeed } from 'inloop/client';
    import { groupTasks, mergeSnapshots, NO_TASKS, type News, presentOutcomes } from 'inloop/headless';
    export function draw(options: FeedOptions): number {
      const feed: TaskFeed = createTaskFeed(options);
      const told: News[] = [];
      presentOutcomes({ feed, present: (news) => told.push(news) });
      const { tasks } = mergeSnapshots(NO_TASKS, feed.getSnapshot().tasks);
      // @ts-expect-error a feed is no list of tasks
      groupTasks(feed);
      return groupTasks(tasks).active.length + told.length;
    }
    // @ts-expect-error the parts of the tray have an entry of their own
    import { describeTask } from 'inloop/client';
    // @ts-expect-error what connects is not one of them
    import { connectTasks } from 'inloop/headless';
  `;
  expect(await typeCheck({ 'page.ts': page }, { noUnusedLocals: false })).toBe('');
}, 60_000);
