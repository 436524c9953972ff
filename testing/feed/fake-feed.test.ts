// The fake feed by itself, and as React components and the tray use it, in Chromium.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { defineTask } from '../../core/tasks/definition.ts';
import { bundleForBrowser, servePage } from '../../test/support/browser/browser-bundle.ts';
import { launchChromium } from '../../test/support/browser/chromium.ts';
import { eventually } from '../../test/support/eventually.ts';
import { type FakeFeed, fakeFeed } from './fake-feed.ts';

const now = () => Date.UTC(2026, 0, 1);
const statuses = (feed: FakeFeed) => feed.getSnapshot().tasks.map(({ id, status }) => `${id} ${status}`);

describe('a fake feed', () => {
  it('shows tasks of every kind, newest first', () => {
    const feed = fakeFeed({
      now,
      tasks: [
        {},
        { title: 'Import', progress: { done: 2, total: 4 } },
        { outcome: { status: 'succeeded', result: 7 } },
        { outcome: { status: 'failed', error: { message: 'The file is empty.' } } },
        { outcome: { status: 'cancelled' } },
      ],
    });
    expect(statuses(feed)).toEqual([
      'task-5 cancelled',
      'task-4 failed',
      'task-3 succeeded',
      'task-2 running',
      'task-1 queued',
    ]);
    expect(feed.getSnapshot()).toMatchObject({ connection: { status: 'live' }, channel: 'private-user-ada' });
    expect(feed.get('task-2')).toMatchObject({ title: 'Import', progress: { done: 2, total: 4 } });
    expect(feed.get('task-3')).toMatchObject({ result: 7, finishedAt: '2026-01-01T00:00:00.000Z' });
    expect(feed.get('task-4')?.error).toMatchObject({ message: 'The file is empty.' });
  });

  it('tells its listeners of each change, and of nothing else', () => {
    const feed = fakeFeed();
    let calls = 0;
    const stop = feed.subscribe(() => calls++);
    const { id } = feed.add();
    feed.advance(id, { done: 1, total: 3 });
    feed.advance(id, { done: 2 });
    expect(feed.get(id)?.progress).toMatchObject({ done: 2, total: 3 });
    feed.finish(id);
    feed.seen([id]);
    feed.seen([id]);
    expect(calls).toBe(5);
    expect(feed.get(id)?.seenAt).not.toBeNull();
    stop();
    feed.add();
    expect(calls).toBe(5);
  });

  it('moves tasks only as a server would', async () => {
    const feed = fakeFeed({ tasks: [{}] });
    feed.failAttempt('task-1', { message: 'The mail server is away.' });
    expect(feed.get('task-1')).toMatchObject({ status: 'retrying', attempt: 2 });
    feed.finish('task-1');
    expect(() => feed.advance('task-1', { done: 1 })).toThrow('task-1 is succeeded: "progress" cannot happen to it.');
    await expect(feed.cancel('task-1')).rejects.toMatchObject({ status: 409 });
    await expect(feed.retry('task-1')).rejects.toMatchObject({ code: 'not_retryable' });
    await expect(feed.load('task-9')).rejects.toMatchObject({ status: 404 });
  });

  it('answers the calls of a page', async () => {
    const report = defineTask({ name: 'report', input: z.object({ n: z.number() }), title: ({ n }) => `Report ${n}` });
    const feed = fakeFeed();
    const task = await feed.start(report, { n: 3 });
    expect(task).toMatchObject({ name: 'report', title: 'Report 3', status: 'queued' });
    await expect(feed.start(report, { n: 'x' } as never)).rejects.toMatchObject({ code: 'invalid_input', status: 422 });
    expect(await feed.cancel(task.id)).toMatchObject({ status: 'cancelled' });
    expect(await feed.retry(task.id)).toMatchObject({ title: 'Report 3', retryOf: task.id });
    feed.close();
    await expect(feed.load(task.id)).rejects.toMatchObject({ code: 'closed' });
  });

  it('removes finished tasks that a page dismisses or clears, and leaves active ones, as a server does', async () => {
    const outcome = { status: 'succeeded' } as const;
    const feed = fakeFeed({ tasks: [{ outcome }, { outcome }, { outcome }, {}] });
    for (const id of ['task-1', 'task-4', 'task-9']) await feed.dismiss(id);
    expect(statuses(feed)).toEqual(['task-4 queued', 'task-3 succeeded', 'task-2 succeeded']);
    feed.seen(['task-2']);
    await feed.clear();
    expect(statuses(feed)).toEqual(['task-4 queued', 'task-3 succeeded']);
  });

  it('goes offline: nothing arrives and calls fail, until it is online again', async () => {
    const feed = fakeFeed({ tasks: [{}], now });
    feed.goOffline();
    feed.finish('task-1');
    expect(feed.getSnapshot().connection).toEqual({ status: 'offline', since: now() });
    expect(statuses(feed)).toEqual(['task-1 queued']);
    await expect(feed.cancel('task-1')).rejects.toMatchObject({ code: 'unreachable', status: 0 });
    feed.goOnline();
    expect(statuses(feed)).toEqual(['task-1 succeeded']);
  });
});

describe('in a page', () => {
  const PAGE = `
    import { createElement } from 'react';
    import { createRoot } from 'react-dom/client';
    import { InloopTray } from './client/element/index.ts';
    import { TasksProvider, useTasks } from './client/react/index.ts';
    import { fakeFeed } from './testing/feed/index.ts';
    const feed = fakeFeed({ tasks: [{ title: 'Import a.csv', progress: { done: 5, total: 10 } }] });
    function Tasks() {
      const { tasks, connection } = useTasks();
      return createElement('p', null, connection.status + ': ' + tasks.map((t) => t.title + ' ' + t.status).join(', '));
    }
    createRoot(document.querySelector('#root')).render(createElement(TasksProvider, { feed }, createElement(Tasks)));
    document.body.append(Object.assign(new InloopTray(), { feed }));
    Object.assign(globalThis, { feed });
  `;
  let browser: Browser;
  let page: Page;
  let server: Server;
  beforeAll(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    const app = express();
    servePage(app, '/page', await bundleForBrowser(PAGE));
    server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/page`);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('React hooks and the tray follow it', async () => {
    const shows = (react: string, tray: string) =>
      eventually(
        async () => {
          expect(await page.locator('#root').innerText()).toBe(react);
          expect(await page.locator('inloop-tray [part=button]').innerText()).toContain(tray);
        },
        { within: 8_000 },
      );
    await shows('live: Import a.csv running', '1 in progress');
    await page.evaluate('feed.finish("task-1"); undefined');
    await shows('live: Import a.csv succeeded', '1 new');
    await page.evaluate('feed.goOffline(); undefined');
    await shows('offline: Import a.csv succeeded', '1 new');
  });
});
