// One user sends so many expensive requests that others would wait: many ids, large results, held requests.
import { Agent, type ClientRequest, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { jsonBody } from '../../http.ts';
import type { Kind } from '../../kind.ts';
import type { World } from '../../world.ts';

/** In ms. A bystander's p99 may be this much above twice its p99 beside eight clients that send cheap requests. */
const LIMIT_MS = 50;
/** The same for the short form, which `npm test` runs beside other tests. */
const SHORT_LIMIT_MS = 1_000;
const CLIENTS = 8;
/** An attack ends after this many requests, even if its time is not over. */
const MAX_REQUESTS = 20_000;
/** For `perSecond`: so many that each client sends its next request as soon as it has an answer. */
const AT_ONCE = 1_000_000;

/** The bystander runs in its own thread, so that the attack in this thread does not slow it down. */
const BYSTANDER = `
const { parentPort, workerData } = require('node:worker_threads');
const times = [];
const lags = [];
const faults = [];
let isOver = false;
parentPort.on('message', () => { isOver = true; });
(async () => {
  while (!isOver) {
    const started = performance.now();
    try {
      const answer = await fetch(workerData.url, { headers: { 'x-user': 'quinn' } });
      await answer.arrayBuffer();
      if (!answer.ok) faults.push(answer.status);
    } catch (error) {
      faults.push(error.cause?.code ?? error.message);
    }
    times.push(performance.now() - started);
    const asleep = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 10));
    lags.push(performance.now() - asleep - 10);
  }
  parentPort.postMessage({ times, lags, faults });
  process.exit(0);
})();
`;

export const starvation: Kind = {
  name: 'one user who keeps the server busy',
  why: 'a server that answers nobody else',
  success: `a bystander's p99 more than ${LIMIT_MS} ms above twice the p99 beside as many clients that send cheap requests, or a request of theirs refused`,
  async run(world, tally) {
    const { app, isShort } = world;
    const path = `/tasks/${(await app.start('quinn', 'wait', { title: 'mine' })).id}`;
    const count = isShort ? 20 : 60;
    const ids = await makeBigResults(world, count);
    const ms = isShort ? 500 : 2_000;
    /** What the bystander sees while eight clients run `attack`, together at most `perSecond` times a second. */
    const measure = (attack: (n: number) => Promise<unknown>, perSecond: number): Promise<Seen> =>
      watch(world, path, async () => {
        const until = performance.now() + ms;
        let n = 0;
        const ask = async (_: unknown, client: number): Promise<void> => {
          // Slow attacks are spread evenly over time.
          await pause((1_000 * client) / perSecond);
          while (performance.now() < until && n < MAX_REQUESTS) {
            const next = performance.now() + (1_000 * CLIENTS) / perSecond;
            await attack(n++);
            await pause(Math.max(next - performance.now(), 0));
          }
        };
        await Promise.all(Array.from({ length: CLIENTS }).map(ask));
      });
    const crowd = await measure(() => app.call('rupert', '/tasks?limit=1'), AT_ONCE);
    const limit = 2 * crowd.p99 + (isShort ? SHORT_LIMIT_MS : LIMIT_MS);
    const judge = (what: string, { p99, lag, faults }: Seen): void => {
      // An answer waits for a CPU core three times: the server's, Redis', and the server's again.
      const isSlow = p99 > limit + 3 * lag;
      tally.attempt(
        `${what}: a bystander's p99 is ${p99} ms (${crowd.p99} beside a crowd, timers ${lag} late)`,
        isSlow,
      );
      tally.attempt(`${what}: a bystander was told ${faults.slice(0, 5).join(', ')}`, faults.length > 0);
    };
    for (const [what, perSecond, attack] of attacksOf(world, ids)) {
      judge(what, await measure(attack, perSecond));
    }
    const waiters = isShort ? 300 : 1_500;
    judge(`${waiters} waiters`, await watch(world, path, () => holdRequests(world, waiters)));
  },
};

/** Starts tasks of `rupert` whose inputs and results are big, and waits for their outcomes. Returns their ids. */
async function makeBigResults({ app }: World, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 10) {
    const some = Array.from({ length: 10 }, () =>
      app.start('rupert', 'weigh', { bytes: 250_000, padding: 'p'.repeat(60_000) }),
    );
    ids.push(...(await Promise.all(some)).map(({ id }) => id));
  }
  for (const id of ids) await app.finished('rupert', id);
  return ids;
}

type Attack = readonly [what: string, perSecond: number, attack: (n: number) => Promise<unknown>];

/** The expensive requests. `ids`: tasks of `rupert` with big results. `perSecond`: how many are sent a second at most. */
function attacksOf({ app }: World, ids: readonly string[]): readonly Attack[] {
  const long = ids[0] ?? '';
  return [
    [
      'seen with one id a thousand times',
      60,
      () => app.call('rupert', '/tasks/seen', jsonBody({ ids: Array(1_000).fill(long) })),
    ],
    [
      'seen with all ids',
      60,
      (n) =>
        app.call(
          'rupert',
          '/tasks/seen',
          jsonBody({ ids: Array.from({ length: 1_000 }, (_, k) => ids[(n + k) % ids.length]) }),
        ),
    ],
    ['lists of big results', AT_ONCE, (n) => app.call('rupert', `/tasks?limit=100&state=${n % 2 ? 'all' : 'unseen'}`)],
    ['big results', AT_ONCE, (n) => app.call('rupert', `/tasks/${ids[n % ids.length]}`)],
    [
      'cancels of what is over',
      AT_ONCE,
      (n) => app.call('rupert', `/tasks/${ids[n % ids.length]}/cancel`, { method: 'POST' }),
    ],
    [
      'big inputs',
      60,
      (n) => app.call(`mallory${n % 3}`, '/tasks', jsonBody({ name: 'wait', input: { title: 'x'.repeat(60_000) } })),
    ],
    [
      'faults by the thousand',
      10,
      () =>
        app.call(
          'rupert',
          '/tasks',
          jsonBody({ name: 'wait', input: { title: 'x', numbers: Array(13_000).fill('a') } }),
        ),
    ],
  ];
}

/** Sends so many requests that wait for one task, half of them of strangers, then ends the task. */
async function holdRequests({ app }: World, waiters: number): Promise<void> {
  const waiting = await app.start('rupert', 'wait', { title: 'never' });
  const agent = new Agent({ maxSockets: waiters });
  const open: ClientRequest[] = [];
  for (let n = 0; n < waiters; n++) {
    const headers = { 'x-user': n % 2 ? 'rupert' : `stranger${n}`, prefer: 'wait=30' };
    const sent = request(`${app.url}/tasks/${waiting.id}`, { agent, headers });
    sent.on('error', () => {}).on('response', (response) => response.resume());
    sent.end();
    open.push(sent);
    // One by one, so that connections are not all opened at the same moment.
    if (n % 20 === 19) await pause(20);
  }
  await pause(500);
  await app.call('rupert', `/tasks/${waiting.id}/cancel`, { method: 'POST' });
  await pause(500);
  for (const sent of open) sent.destroy();
  agent.destroy();
}

/** What a bystander saw: the p99 of their answers in ms, and the errors. */
interface Seen {
  readonly p99: number;
  /** The p99 delay of the bystander's own timers, in ms: how long a process waits for a CPU core. */
  readonly lag: number;
  readonly faults: readonly unknown[];
}

/** Watches as a bystander while `during` runs. */
async function watch({ app }: World, path: string, during: () => Promise<void>): Promise<Seen> {
  const bystander = new Worker(BYSTANDER, { eval: true, workerData: { url: app.url + path } });
  const seen = new Promise<{ times: number[]; lags: number[]; faults: unknown[] }>((resolve, reject) => {
    bystander.once('message', resolve).once('error', reject);
  });
  await pause(200);
  await during();
  bystander.postMessage('end');
  const { times, lags, faults } = await seen;
  await bystander.terminate();
  // The first request opens the connection, so it is not counted.
  return { p99: p99Of(times.slice(1)), lag: p99Of(lags), faults };
}

function p99Of(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? Number.POSITIVE_INFINITY);
}
