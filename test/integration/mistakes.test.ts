// The likeliest first mistakes, each made for real: the line that docs/troubleshooting.md promises comes within 5 s. A mistake
// that the document does not list, or one that is not made here, fails. Real Redis, Soketi and Chromium.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { REPOSITORY } from '../../dev/paths.ts';
import { bundleForBrowser } from '../support/browser/browser-bundle.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { startBus } from '../support/parts.ts';
import { bundleScript } from '../support/processes/script-process.ts';
import { atStart } from './mistakes/at-start.ts';
import { inBrowser } from './mistakes/in-browser.ts';
import { inLog } from './mistakes/in-log.ts';
import type { Mistakes, World } from './mistakes/world.ts';

const WITHIN_MS = 5_000;
const MISTAKES: Readonly<Record<string, Mistakes>> = {
  'It does not start': atStart,
  'The log of server or worker': inLog,
  'The console of the browser': inBrowser,
};

/** The rows of the document's tables: the heading above the table, the mistake, and the line that is promised. */
const rows = readFileSync(join(REPOSITORY, 'docs/troubleshooting.md'), 'utf8')
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const heading = section.split('\n', 1)[0] ?? '';
    return [...section.matchAll(/^\| (.+?) \| (.+) \|$/gm)]
      .map(([, mistake = '', line = '']) => ({ heading, mistake: mistake.replaceAll('`', ''), line }))
      .filter(({ mistake }) => mistake !== 'mistake');
  });

let browser: Browser | undefined;
let world: World;

beforeAll(async () => {
  const script = await bundleForBrowser(
    `import Pusher from 'pusher-js';
    import { createTaskFeed } from './client/feed/connect-tasks.ts';
    import { loadPusherOrNone } from './client/element/load-pusher.ts';
    Object.assign(window, { Pusher, createTaskFeed, loadPusherOrNone });`,
  );
  // Nothing is bundled for pusher-js here, so the browser fails to load it.
  const bare = await bundleForBrowser(
    `import { createTaskFeed } from './client/feed/connect-tasks.ts';
    import { loadPusherOrNone } from './client/element/load-pusher.ts';
    Object.assign(window, { createTaskFeed, loadPusherOrNone });`,
    {
      plugins: [
        {
          name: 'none',
          setup: ({ onResolve }) => onResolve({ filter: /^pusher-js$/ }, () => ({ path: '/none.js', external: true })),
        },
      ],
    },
  );
  const [bus, worker] = await Promise.all([
    startBus(),
    bundleScript('test/integration/work/processes/fault-worker.ts'),
  ]);
  browser = await launchChromium();
  world = { bus, browser, worker, scripts: { script, bare } };
}, 60_000);

afterAll(async () => {
  await browser?.close();
  world?.worker.remove();
  await world?.bus.stop();
}, 30_000);

it('every mistake of the document is made here, and every one made here is in it', () => {
  const made = Object.entries(MISTAKES).flatMap(([heading, all]) =>
    Object.keys(all).map((one) => `${heading}: ${one}`),
  );
  expect(made.sort()).toEqual(rows.map(({ heading, mistake }) => `${heading}: ${mistake}`).sort());
});

/** Makes the mistake and waits for its line. */
async function expectTold({ heading, mistake, line }: (typeof rows)[number]): Promise<void> {
  const make = MISTAKES[heading]?.[mistake];
  // Fails, and names the mistake that is not made here.
  if (!make) return expect(mistake).toBe('made');
  const { lines, end } = await make(world);
  try {
    await eventually(() => expect(lines()).toContainEqual(expect.stringMatching(patternOf(line))), {
      within: WITHIN_MS,
    });
    expect(lines().filter((one) => patternOf(line).test(one))).toHaveLength(1);
  } finally {
    await end();
  }
}

/** Whether a mistake changes the clock of this process, so that no other may be made at the same time. */
const isAlone = ({ mistake }: (typeof rows)[number]) => mistake === 'a clock that is off';
// Each mistake is made on a backend or a page of its own.
it.concurrent.each(rows.filter((row) => !isAlone(row)))('$heading: $mistake: is told', expectTold, 20_000);
it.each(rows.filter(isAlone))('$heading: $mistake: is told', expectTold, 20_000);

/** A `…` of the document stands for any text, so it also matches a `…` that is printed. */
function patternOf(line: string): RegExp {
  const parts = line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}`);
}
