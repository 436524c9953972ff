// Code as adopters write it compiles against the published entries.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';
import { typeCheck } from '../support/type-check.ts';

it('the snippets of the README compile', async () => {
  const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  const snippets = [...readme.matchAll(/```tsx?\n(\/\/ (\S+\.tsx?)\b.*\n[\s\S]*?)```/g)];
  expect(snippets.map(([, , file]) => file)).toEqual(['tasks.ts', 'backend.ts', 'server.ts', 'worker.ts', 'app.tsx']);
  const files = Object.fromEntries(snippets.map(([, code = '', file = '']) => [file, code]));
  expect(await typeCheck(files)).toBe('');
}, 60_000);

it('a tray of one’s own compiles, with the feed of inloop/client and the parts of inloop/headless', async () => {
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
