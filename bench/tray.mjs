// Measures how long the tray keeps a page busy: with 500 active tasks that change ten times a second each, and while the user
// scrolls through finished ones. Feed and tray are real and run in a real Chromium; only the network is replaced. Run it
// after a change to what the tray draws, or to when it draws: node bench/tray.mjs [seconds]. INLOOP_CHROMIUM is the path of
// the browser, default /usr/bin/chromium.
//
// "frame" is the time from one frame to the next: 16.7 ms at 60 frames a second, more on a busy machine. "work" is the part
// of it in which the page was busy: our code in timers and in the frame, style, layout and paint. An empty page is measured
// first, to show what the machine itself adds to both.
import { createServer } from 'node:http';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const seconds = Number(process.argv[2] ?? 6);
const client = fileURLToPath(new URL('../client/', import.meta.url));

/** What runs in the page. `measure` resolves with the frames of `ms` milliseconds. */
const PAGE = `
export { InloopTray } from './element/index.ts';
import { createTaskFeed } from './feed/connect-tasks.ts';
import { FakePusher } from './test-support/fake-pusher.ts';
import { FakeServer } from './test-support/fake-server.ts';
import { create, run, see, succeed } from './test-support/all-statuses.ts';

/** Milliseconds of our code in timers since the last frame. */
let script = 0;
const timed = (work) => (...args) => {
  const began = performance.now();
  work(...args);
  script += performance.now() - began;
};
const { requestAnimationFrame: frame, setTimeout: later } = globalThis;
globalThis.setTimeout = (work, ...rest) => later(timed(work), ...rest);

// The numbers after a title, and in \`run\` and \`succeed\`, are how many seconds ago that was.
const active = Array.from({ length: 500 }, (_, at) => run(create(6000 + at, 'Import ' + at + '.csv', 60), 50, { done: 1, total: 600 }));
const finished = Array.from({ length: 5000 }, (_, at) => see(succeed(run(create(at, 'Export ' + at, 900), 800), 700 - at / 10, { rows: at })));
const feed = createTaskFeed({ url: '/tasks', Pusher: FakePusher, fetch: new FakeServer().fetch });
await feed.ready;
const push = (task) => FakePusher.last.push('task.' + task.status, task);
for (const task of [...finished, ...active]) push(task);
const tray = Object.assign(document.createElement('inloop-tray'), { feed });
const channel = new MessageChannel();

let round = 0;
/** 100 changes each 20 ms: every active task ten times a second. */
const change = timed(() => {
  const at = new Date().toISOString();
  for (let index = 0; index < 100; index++) {
    const which = (round * 100 + index) % 500;
    const task = active[which];
    active[which] = { ...task, revision: task.revision + 1, updatedAt: at, signOfLifeAt: at, progress: { done: (task.progress.done % 600) + 1, total: 600 } };
    push(active[which]);
  }
  round++;
});
let timer;
globalThis.bench = {
  show() { document.body.append(tray); tray.show(); },
  rows: () => tray.shadowRoot?.querySelectorAll('[part=task]').length ?? 0,
  tasks: () => feed.getSnapshot().tasks.length,
  more: () => tray.shadowRoot.querySelector('[part=more]').click(),
  start() { timer = setInterval(change, 20); return this; },
  stop: () => clearInterval(timer),
  scroll: (by) => { tray.shadowRoot.querySelector('.body').scrollTop += by; },
  /** \`touched\`: how many rows of tasks were changed meanwhile. */
  async measure(ms, each = () => {}) {
    const frames = [], works = [], touched = new Set();
    const watcher = new MutationObserver((all) => {
      for (const { target } of all) {
        const row = (target.closest ? target : target.parentElement)?.closest('[part=task]');
        if (row) touched.add(row);
      }
    });
    if (tray.shadowRoot) watcher.observe(tray.shadowRoot, { subtree: true, childList: true, attributes: true, characterData: true });
    const end = performance.now() + ms;
    let before;
    while (!(before > end)) {
      // Our callback is the first of the frame, because it was requested right after the last one. The message arrives
      // after the paint.
      const began = await new Promise((resolve) => frame.call(globalThis, () => resolve(performance.now())));
      const outside = script;
      each();
      await new Promise((resolve) => { channel.port1.onmessage = resolve; channel.port2.postMessage(0); });
      if (before) {
        frames.push(began - before);
        works.push(outside + performance.now() - began);
      }
      script = 0;
      before = began;
    }
    watcher.disconnect();
    return { frames, works, touched: touched.size };
  },
};
`;

const { outputFiles } = await build({
  stdin: { contents: PAGE, resolveDir: client },
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  write: false,
  logLevel: 'error',
  external: ['pusher-js'],
});
const http = createServer((req, res) => {
  if (req.url === '/page.js') res.setHeader('content-type', 'text/javascript').end(outputFiles[0].text);
  else
    res
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><title>Bench</title><script type="module" src="/page.js"></script>');
});
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
const browser = await chromium.launch({
  executablePath: process.env.INLOOP_CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
try {
  const page = await browser.newPage({ viewport: { width: 900, height: 760 } });
  page.on('pageerror', (error) => console.error(String(error)));
  await page.goto(`http://127.0.0.1:${http.address().port}/`);
  await page.waitForFunction(() => globalThis.bench);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  await report('an empty page', () => page.evaluate((ms) => bench.measure(ms), seconds * 1_000));
  await page.evaluate(() => bench.show());
  await page.waitForFunction(() => bench.rows() >= 500, null, { timeout: 60_000 });
  await report('500 active tasks, 10 changes a second each', () =>
    page.evaluate((ms) => bench.start().measure(ms), seconds * 1_000),
  );
  // The feed keeps a limited number of outcomes, so fewer than the 5,000 that were pushed.
  const tasks = await page.evaluate(() => bench.tasks());
  for (let rows = await countRows(); rows < tasks; ) {
    await page.evaluate(() => bench.more());
    await page.waitForFunction((before) => bench.rows() > before, rows);
    rows = await countRows();
  }
  await page.evaluate(() => bench.stop());
  await report(`${tasks - 500} finished ones, scrolled`, () =>
    page.evaluate((ms) => bench.measure(ms, () => bench.scroll(150)), seconds * 1_000),
  );
  await page.evaluate(() => bench.scroll(-1e7));
  await report('both at once, at the top', () => page.evaluate((ms) => bench.start().measure(ms), seconds * 1_000));

  /** The number of rows, once no more are added. */
  async function countRows() {
    for (let before = -1; ; ) {
      const rows = await page.evaluate(() => bench.measure(120).then(() => bench.rows()));
      if (rows === before) return rows;
      before = rows;
    }
  }

  async function report(what, run) {
    const counters = async () =>
      Object.fromEntries(
        (await cdp.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value * 1_000]),
      );
    const before = await counters();
    const { frames, works, touched } = await run();
    const after = await counters();
    const each = (name) => ((after[name] - before[name]) / frames.length).toFixed(1);
    const shares = (values) => `p50 ${at(values, 0.5)}, p95 ${at(values, 0.95)}, most ${at(values, 1)} ms`;
    console.log(
      `${what} (load ${loadavg()[0].toFixed(1)}; ${await page.evaluate(() => bench.rows())} rows, ${touched} touched)`,
    );
    console.log(`  frame ${shares(frames)}, ${frames.length} frames`);
    console.log(
      `  work  ${shares(works)}; mean: script ${each('ScriptDuration')}, style ${each('RecalcStyleDuration')}, layout ${each('LayoutDuration')} ms`,
    );
  }
} finally {
  await browser.close();
  http.close();
}

function at(values, share) {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1]?.toFixed(1);
}
