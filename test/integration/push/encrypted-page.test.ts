// The demo's page without PUSHER_ENCRYPTION_KEY and with it. The page loads the cipher only when it needs it, and its
// Content-Security-Policy allows that.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import type { TaskFeed } from '../../../client/index.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import { eventually } from '../../support/eventually.ts';
import { startStack, type TestStack } from '../../support/processes/stack.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
}, 30_000);

afterAll(async () => {
  await browser?.close();
});

describe.each([
  ['without encryption', {}, /^private-user-ada$/, 0],
  [
    'with encryption',
    { PUSHER_ENCRYPTION_KEY: Buffer.alloc(32, 3).toString('base64') },
    /^private-encrypted-user-ada$/,
    1,
  ],
] as const)('the demo page %s', (_what, env, channel, ciphers) => {
  let stack: TestStack;

  beforeAll(async () => {
    stack = await startStack({ env });
  }, 150_000);

  afterAll(async () => {
    await stack?.stop();
  }, 60_000);

  it('is live, and shows what is pushed', async () => {
    const context = await browser.newContext();
    await context.request.post(`${stack.url}/session`, { data: { user: 'ada' } });
    const page = await context.newPage();
    const scripts: string[] = [];
    const faults: string[] = [];
    const polls: string[] = [];
    let frames = '';
    page.on('request', (request) => {
      const { pathname, search } = new URL(request.url());
      if (request.resourceType() === 'script') scripts.push(pathname);
      if (/^\/tasks\/?(\?|$)/.test(pathname + search)) polls.push(pathname + search);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => (frames += payload)));
    await page.goto(stack.url);
    const readFeed = <T>(ask: (feed: TaskFeed) => T): Promise<T> =>
      page.evaluate(
        `(${ask})(document.querySelector('inloop-tray')?.feed ?? { getSnapshot: () => ({ connection: {}, tasks: [] }) })`,
      );
    await eventually(async () => (await readFeed((feed) => feed.getSnapshot().connection.status)) === 'live', {
      within: 15_000,
    });
    const info = (await (await context.request.get(`${stack.url}/tasks/connection`)).json()) as { channel: string };
    expect(info.channel).toMatch(channel);

    polls.length = 0;
    await context.request.post(`${stack.url}/reports`);
    await eventually(() => readFeed((feed) => feed.getSnapshot().tasks.some(({ status }) => status === 'succeeded')), {
      within: 10_000,
    });
    // It came by push: the page sent no request meanwhile.
    expect(polls).toEqual([]);
    expect(frames).toContain('task.succeeded');
    expect(frames.includes('export-contacts')).toBe(ciphers === 0);
    expect(scripts.filter((path) => path.includes('encryption'))).toHaveLength(ciphers);
    expect(faults).toEqual([]);
    await context.close();
  }, 60_000);
});
