// Code as adopters write it compiles against the published entries.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';
import { typeCheck } from '../support/type-check.ts';

it('the snippets of the README and of docs/pages.md compile together', async () => {
  const documents = ['README.md', 'docs/pages.md']
    .map((name) => readFileSync(join(REPOSITORY, name), 'utf8'))
    .join('\n');
  const snippets = [...documents.matchAll(/```tsx?\n(\/\/ (\S+\.tsx?)\b.*\n[\s\S]*?)```/g)];
  expect(snippets.map(([, , file]) => file)).toEqual(['tasks.ts', 'backend.ts', 'server.ts', 'worker.ts', 'app.tsx']);
  const files = Object.fromEntries(snippets.map(([, code = '', file = '']) => [file, code]));
  expect(await typeCheck(files)).toBe('');
}, 60_000);

it('the TypeScript of the guides compiles, each guide in a folder of its own', async () => {
  const folder = join(REPOSITORY, 'docs', 'guides');
  // Each snippet of testing.md runs in a test of its own.
  const guides = readdirSync(folder).filter((name) => name !== 'testing.md');
  const files = guides.flatMap((guide) => {
    const text = readFileSync(join(folder, guide), 'utf8');
    const snippets = [...text.matchAll(/```ts\n(\/\/ (\S+\.ts)\b.*\n[\s\S]*?)```/g)];
    expect(snippets).toHaveLength(text.match(/^```ts$/gm)?.length ?? 0);
    return snippets.map(([, code = '', file = '']) => [`${guide}/${file}`, code] as const);
  });
  expect(await typeCheck(Object.fromEntries(files))).toBe('');
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

it('tests of one’s own compile: types come from the definition', async () => {
  const tests = `
    import { defineTask, type OutcomeSnapshot } from 'inloop';
    import { TasksProvider } from 'inloop/react';
    import { createTaskServer } from 'inloop/server';
    import { createMemoryBackend, createTestClock, fakeFeed, runTask } from 'inloop/testing';
    import { z } from 'zod';
    const count = defineTask({
      name: 'count',
      input: z.object({ to: z.string().transform(Number) }),
      output: z.object({ counted: z.number() }),
      stages: { read: 1 },
    });
    const clock = createTestClock();
    const run = await runTask(count, async ({ to }, task) => {
      task.stage('read');
      await clock.sleep('1s', undefined, { signal: task.signal });
      return { counted: to * 2 };
    }, { to: '3' }, { clock, cancelWhen: ({ done = 0 }) => done > 3 });
    const outcome: OutcomeSnapshot<{ counted: number }> = run.outcome;
    const counted: number | null = outcome.status === 'succeeded' ? (outcome.result?.counted ?? null) : null;
    const backend = createMemoryBackend().handle(count, ({ to }) => ({ counted: to }));
    createTaskServer({ backend, tasks: [count], identify: () => String(counted) });
    TasksProvider({ feed: fakeFeed({ tasks: [{ outcome: { status: 'failed' } }] }) });
    // @ts-expect-error the schema takes a text
    runTask(count, () => ({ counted: 1 }), { to: 3 });
    // @ts-expect-error the schema promises a number
    runTask(count, () => ({ counted: '1' }), { to: '3' });
    // @ts-expect-error there is no such stage
    runTask(count, (_input, task) => (task.stage('save'), { counted: 1 }), { to: '3' });
    // @ts-expect-error there is no such outcome
    fakeFeed({ tasks: [{ outcome: { status: 'running' } }] });
  `;
  expect(await typeCheck({ 'mine.test.ts': tests })).toBe('');
}, 60_000);
