// One user who asks for so much that the others wait: ids without end, big results, requests that are held.
import { Worker } from 'node:worker_threads';
import { jsonBody } from '../http.ts';
import type { Kind } from '../kind.ts';
import { pause, type World } from '../world.ts';

/** A bystander's slowest hundredth, in ms, beside what the same machine takes when nobody attacks. */
const LIMIT_MS = 50;

/** In a thread of its own, so that the attack, which is made in this one, does not make it look slow. */
const BYSTANDER = `
const { parentPort, workerData } = require('node:worker_threads');
const times = [];
let isOver = false;
parentPort.on('message', () => { isOver = true; });
(async () => {
  while (!isOver) {
    const started = performance.now();
    const answer = await fetch(workerData.url, { headers: { 'x-user': 'quinn' } }).catch(() => null);
    await answer?.arrayBuffer();
    times.push(answer?.ok ? performance.now() - started : 60_000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  parentPort.postMessage(times);
  process.exit(0);
})();
`;

export const starvation: Kind = {
  name: 'one who takes all the time',
  why: 'a server that answers nobody else',
  through: `a bystander's p99 more than ${LIMIT_MS} ms above twice what it is at rest, or a request of theirs refused`,
  async run(world, tally) {
    const { app, isShort } = world;
    const path = `/tasks/${(await app.start('quinn', 'wait', { title: 'mine' })).id}`;
    const count = isShort ? 20 : 100;
    const ids: string[] = [];
    for (let n = 0; n < count; n += 10) {
      const some = Array.from({ length: 10 }, () =>
        app.start('rupert', 'weigh', { bytes: 250_000, padding: 'p'.repeat(60_000) }),
      );
      ids.push(...(await Promise.all(some)).map(({ id }) => id));
    }
    for (const id of ids) await app.finished('rupert', id);
    const atRest = await watch(world, path, async () => pause(1_000));
    const limit = 2 * atRest + (isShort ? 10 : 1) * LIMIT_MS;
    const ms = isShort ? 1_000 : 3_000;
    const long = ids[0] ?? '';
    const attacks: Record<string, (n: number) => Promise<unknown>> = {
      'seen with one id a thousand times': () =>
        app.call('rupert', '/tasks/seen', jsonBody({ ids: Array.from({ length: 1_000 }, () => long) })),
      'seen with all ids': (n) =>
        app.call(
          'rupert',
          '/tasks/seen',
          jsonBody({ ids: Array.from({ length: 1_000 }, (_, k) => ids[(n + k) % ids.length]) }),
        ),
      'lists of big results': (n) => app.call('rupert', `/tasks?limit=100&state=${n % 2 ? 'all' : 'unseen'}`),
      'big results': (n) => app.call('rupert', `/tasks/${ids[n % ids.length]}`),
      'cancels of what is over': (n) => app.call('rupert', `/tasks/${ids[n % ids.length]}/cancel`, { method: 'POST' }),
      'big inputs': (n) =>
        app.call(`mallory${n % 3}`, '/tasks', jsonBody({ name: 'wait', input: { title: 'x'.repeat(60_000) } })),
      'faults by the thousand': () =>
        app.call(
          'rupert',
          '/tasks',
          jsonBody({ name: 'wait', input: { title: 'x', numbers: Array.from({ length: 13_000 }, () => 'a') } }),
        ),
    };
    for (const [what, attack] of Object.entries(attacks)) {
      const p99 = await watch(world, path, async () => {
        const until = performance.now() + ms;
        let n = 0;
        const loop = async (): Promise<void> => {
          while (performance.now() < until && n < 20_000) await attack(n++);
        };
        await Promise.all(Array.from({ length: 8 }, loop));
      });
      tally.attempt(`${what}: a bystander's p99 is ${Math.round(p99)} ms (${Math.round(atRest)} at rest)`, p99 > limit);
    }
    const waiting = await app.start('rupert', 'wait', { title: 'never' });
    const waiters = isShort ? 300 : 1_500;
    const p99 = await watch(world, path, async () => {
      const { Agent, request } = await import('node:http');
      const agent = new Agent({ maxSockets: waiters });
      const held = Array.from({ length: waiters }, (_, n) => {
        const headers = { 'x-user': n % 2 ? 'rupert' : `stranger${n}`, prefer: 'wait=30' };
        const sent = request(`${app.url}/tasks/${waiting.id}`, { agent, headers });
        sent
          .on('error', () => {})
          .on('response', (response) => response.resume())
          .end();
        return sent;
      });
      await pause(ms);
      await app.call('rupert', `/tasks/${waiting.id}/cancel`, { method: 'POST' });
      await pause(500);
      for (const sent of held) sent.destroy();
      agent.destroy();
    });
    tally.attempt(`${waiters} waiters: a bystander's p99 is ${Math.round(p99)} ms`, p99 > limit);
  },
};

/** The bystander's p99, in ms, while `during` runs. */
async function watch({ app }: World, path: string, during: () => Promise<void>): Promise<number> {
  const bystander = new Worker(BYSTANDER, { eval: true, workerData: { url: app.url + path } });
  const times = new Promise<number[]>((resolve, reject) => {
    bystander.once('message', resolve).once('error', reject);
  });
  await pause(200);
  await during();
  bystander.postMessage('end');
  const sorted = (await times).slice(1).sort((one, other) => one - other);
  await bystander.terminate();
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.POSITIVE_INFINITY;
}
