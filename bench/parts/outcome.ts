// How soon the owner knows the outcome when nothing else is going on: a task every 100 ms, beside raw triggers in the
// same rhythm.
import { median, percentile, ratio } from '../measure/stats.ts';
import { figure, spread, table } from '../measure/table.ts';
import { atMost, definePart, type Part } from '../part.ts';
import { inRounds, type Rounds } from '../rounds.ts';
import { makeInput } from '../stacks/task.ts';
import { type Turn, withTurn } from '../turn.ts';

const NAMES = ['raw', 's1', 's3', 'inloop', 'inloop-client'] as const;
type Name = (typeof NAMES)[number];
const WHAT: Readonly<Record<Name, string>> = {
  raw: '`pusher.trigger` → pusher-js callback, nothing else',
  s1: 'S1, to the pusher-js callback',
  s3: 'S3, to the Socket.IO callback',
  inloop: 'inloop, to the pusher-js callback',
  'inloop-client': 'inloop, to the listener of its own client',
};
const EVERY_MS = 100;
const USER = 'user-0';
const WARM_UP = 10;

/** From the last element to the page's callback, in ms. */
type Figures = readonly number[];

async function measureRaw({ worker, clients }: Turn, count: number): Promise<Figures> {
  await clients.call('take');
  const sent = await worker?.call<{ n: number; done: number }[]>('triggerEvery', { user: USER, count, ms: EVERY_MS });
  await clients.call('reached', { count, ms: 1_000 });
  const { outcomes } = await clients.call<{ outcomes: [number, number][] }>('take');
  const seen = new Map(outcomes);
  return (sent ?? []).map(({ n, done }) => (seen.get(n) ?? Number.POSITIVE_INFINITY) - done);
}

async function measureTasks(turn: Turn, from: number, count: number): Promise<Figures> {
  const inputs = Array.from({ length: count }, (_, index) =>
    makeInput({ n: from + index, user: USER, elements: 20, work: 'sleep', size: 1 }),
  );
  const { latencies } = await turn.watch(inputs, async () => {
    await turn.server.call('startEvery', { inputs, ms: EVERY_MS });
    return 0;
  });
  return latencies;
}

export const outcome: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'outcome',
  title: 'The outcome, worker → page, unloaded: a task of 20 elements every 100 ms',
  measure({ world, quick, log }) {
    const count = quick ? 15 : 40;
    return inRounds(NAMES, quick ? 1 : 3, log, (name) => {
      const stack = name === 'raw' ? 's1' : name === 'inloop-client' ? 'inloop' : name;
      const hasOwnClient = name === 'inloop-client';
      return withTurn({ world, stack, users: hasOwnClient ? [] : [USER] }, async (turn) => {
        if (hasOwnClient) await turn.clients.call('follow', USER);
        if (name === 'raw') {
          await measureRaw(turn, WARM_UP);
          return measureRaw(turn, count);
        }
        await measureTasks(turn, 0, WARM_UP);
        return measureTasks(turn, WARM_UP, count);
      });
    });
  },
  report(raw) {
    const p50 = (name: Name) => raw[name].map((latencies) => percentile(latencies, 0.5));
    return {
      text: table(
        ['from the last element to', 'p50, ms', '× raw', 'p99, ms'],
        NAMES.map((name) => [
          WHAT[name],
          spread(p50(name)),
          figure(ratio(p50(name), p50('raw'))),
          figure(median(raw[name].map((latencies) => percentile(latencies, 0.99)))),
        ]),
      ),
      targets: [atMost('Unloaded outcome p50 × raw trigger', ratio(p50('inloop'), p50('raw')), 1.4)],
    };
  },
});
