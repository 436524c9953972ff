// How long the tray keeps a page busy: 500 active tasks that change ten times a second each, 5,000 finished ones that
// are scrolled. Real feed and real tray in a real Chromium; only the network is left out. For whoever changes what is
// drawn and when. Run: node bench/tray.mjs [seconds]. INLOOP_CHROMIUM is the browser, default /usr/bin/chromium.
//
// "frame" is the time from one frame to the next, which on a busy machine tells of its other work too; "script" is
// what our code took within one; style, layout and script in all come from the browser's own counters.
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
import { createTaskFeed } from './feed.ts';
import { FakePusher } from './test-support/fake-pusher.ts';
import { FakeServer } from './test-support/fake-server.ts';
import { create, run, see, succeed } from './test-support/all-statuses.ts';

let script = 0;
const timed = (work) => (...args) => {
  const began = performance.now();
  work(...args);
  script += performance.now() - began;
};
const frame = requestAnimationFrame;
globalThis.requestAnimationFrame = (work) => frame.call(globalThis, timed(work));

const active = Array.from({ length: 500 }, (_, at) => run(create(6000 + at, 'Import ' + at + '.csv', 60), 50, { done: 1, total: 1e6 }));
const finished = Array.from({ length: 5000 }, (_, at) => see(succeed(run(create(at, 'Export ' + at, 900), 800), 700 - at / 10, { rows: at })));
const feed = createTaskFeed({ url: '/tasks', Pusher: FakePusher, fetch: new FakeServer().fetch });
await feed.ready;
const push = (task) => FakePusher.last.push('task.' + task.status, task);
for (const task of [...finished, ...active]) push(task);
const tray = Object.assign(document.createElement('inloop-tray'), { feed });
document.body.append(tray);
tray.show();
const root = tray.shadowRoot;

let turn = 0;
/** 100 changes each 20 ms: every active task ten times a second. */
const change = timed(() => {
  const at = new Date().toISOString();
  for (let index = 0; index < 100; index++) {
    const which = (turn * 100 + index) % 500;
    const task = active[which];
    active[which] = { ...task, revision: task.revision + 1, updatedAt: at, signOfLifeAt: at, progress: { done: task.progress.done + 1, total: 1e6 } };
    push(active[which]);
  }
  turn++;
});
let timer;
globalThis.bench = {
  rows: () => root.querySelectorAll('li').length,
  more: () => root.querySelector('[part=more]').click(),
  start() { timer = setInterval(change, 20); return this; },
  stop: () => clearInterval(timer),
  scroll: (by) => { root.querySelector('.body').scrollTop += by; },
  async measure(ms, each = () => {}) {
    const frames = [], scripts = [];
    let longTasks = 0, mutated = new Set();
    const observer = new PerformanceObserver((list) => { longTasks += list.getEntries().length; });
    observer.observe({ type: 'longtask' });
    const watcher = new MutationObserver((all) => { for (const { target } of all) { const row = (target.closest ? target : target.parentElement)?.closest('li'); if (row) mutated.add(row); } });
    watcher.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
    const end = performance.now() + ms;
    let before = performance.now();
    script = 0;
    while (before < end) {
      const now = await new Promise((resolve) => frame.call(globalThis, resolve));
      frames.push(performance.now() - before);
      scripts.push(script);
      script = 0;
      before = performance.now();
      each();
    }
    observer.disconnect(); watcher.disconnect();
    return { frames, scripts, longTasks, rowsTouched: mutated.size };
  },
};
`;

const { outputFiles } = await build({
  stdin: { contents: PAGE, resolveDir: client },
  ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, logLevel: 'error' },
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
  await page.waitForFunction(() => globalThis.bench?.rows() >= 500, null, { timeout: 60_000 });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  await report('500 active tasks, 10 changes a second each', () =>
    page.evaluate((ms) => bench.start().measure(ms), seconds * 1_000),
  );
  for (let rows = 0; rows < 5_500; ) {
    await page.evaluate(() => bench.more());
    await page.waitForFunction((before) => bench.rows() > before, rows);
    rows = await settled();
  }
  await page.evaluate(() => bench.stop());
  await report('5,000 finished ones, scrolled', () =>
    page.evaluate((ms) => bench.measure(ms, () => bench.scroll(400)), seconds * 1_000),
  );
  await page.evaluate(() => bench.scroll(-1e7));
  await report('both at once, at the top', () => page.evaluate((ms) => bench.start().measure(ms), seconds * 1_000));

  /** The number of rows, once they are all made. */
  async function settled() {
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
    const { frames, scripts, longTasks, rowsTouched } = await run();
    const after = await counters();
    const each = (name) => ((after[name] - before[name]) / frames.length).toFixed(2);
    console.log(`${what} (load ${loadavg()[0].toFixed(1)}, ${await page.evaluate(() => bench.rows())} rows)`);
    console.log(
      `  frame  p50 ${at(frames, 0.5)} ms, p95 ${at(frames, 0.95)} ms, ${frames.length} frames, ${longTasks} long tasks`,
    );
    console.log(
      `  script p50 ${at(scripts, 0.5)} ms, p95 ${at(scripts, 0.95)} ms a frame; ${rowsTouched} rows touched in all`,
    );
    console.log(
      `  mean a frame: script ${each('ScriptDuration')} ms, style ${each('RecalcStyleDuration')} ms, layout ${each('LayoutDuration')} ms`,
    );
  }
} finally {
  await browser.close();
  http.close();
}

function at(values, share) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]?.toFixed(1);
}
