// The part `outcome-delay`: how soon the owner's page has the outcome when the machine has nothing else to do. About every 100 ms a
// task is started. The delay is compared with that of a bare `pusher.trigger` at the same pace.
import { median, percentile, ratio } from '../../measure/stats.ts';
import { figure, spread, table } from '../../measure/table.ts';
import { atMost, definePart, type Part } from '../../part.ts';
import { inRounds, type Rounds } from '../../rounds.ts';
import { type RunningStack, withRunningStack } from '../../running-stack.ts';
import { makeInput } from '../../stacks/task.ts';

const NAMES = ['raw', 'pusher-per-element', 'bullmq-socketio', 'inloop', 'inloop-client'] as const;
type Name = (typeof NAMES)[number];
/** What each name measures. `raw` is the bare trigger with which the others are compared. */
const WHAT: Readonly<Record<Name, string>> = {
  raw: '`pusher.trigger` → pusher-js callback, nothing else',
  'pusher-per-element': 'pusher-per-element, to the pusher-js callback',
  'bullmq-socketio': 'bullmq-socketio, to the Socket.IO callback',
  inloop: 'inloop, to the pusher-js callback',
  'inloop-client': 'inloop, to the listener of its own client',
};
/** The pause after each task that is started, and after each trigger. */
const PAUSE_MS = 100;
const USER = 'user-0';
/** How many tasks run before those that are measured. */
const WARM_UP = 10;

/** Milliseconds from the last element to the page's callback, one entry a task. */
type Figures = readonly number[];

async function measureRaw({ worker, clients }: RunningStack, count: number): Promise<Figures> {
  await clients.call('take');
  const sent = await worker?.call<{ n: number; done: number }[]>('triggerEvery', { user: USER, count, ms: PAUSE_MS });
  await clients.call('waitForOutcomes', { count, ms: 1_000 });
  const { outcomes } = await clients.call<{ outcomes: [number, number][] }>('take');
  const arrivals = new Map(outcomes);
  return (sent ?? []).map(({ n, done }) => (arrivals.get(n) ?? Number.POSITIVE_INFINITY) - done);
}

async function measureTasks(running: RunningStack, from: number, count: number): Promise<Figures> {
  const inputs = Array.from({ length: count }, (_, index) =>
    makeInput({ n: from + index, user: USER, elements: 20, work: 'sleep', size: 1 }),
  );
  const { latencies } = await running.watch(inputs, async () => {
    await running.server.call('startEvery', { inputs, ms: PAUSE_MS });
    // `watch` wants the time of the first start, for figures that are not used here.
    return 0;
  });
  return latencies;
}

export const outcomeDelay: Part<unknown> = definePart<Rounds<Name, Figures>>({
  name: 'outcome-delay',
  title: 'outcome-delay: from the worker to the page, one task of 20 elements every 100 ms',
  measure({ services, quick, log }) {
    const count = quick ? 15 : 40;
    return inRounds(NAMES, quick ? 1 : 3, log, (name) => {
      // `raw` runs no tasks. It uses the pages of pusher-per-element, which have pusher-js and nothing else.
      const stack = name === 'raw' ? 'pusher-per-element' : name === 'inloop-client' ? 'inloop' : name;
      const hasOwnClient = name === 'inloop-client';
      return withRunningStack({ services, stack, users: hasOwnClient ? [] : [USER] }, async (running) => {
        if (hasOwnClient) await running.clients.call('follow', USER);
        if (name === 'raw') {
          await measureRaw(running, WARM_UP);
          return measureRaw(running, count);
        }
        await measureTasks(running, 0, WARM_UP);
        return measureTasks(running, WARM_UP, count);
      });
    });
  },
  report(raw) {
    const p50 = (name: Name) => raw[name].map((latencies) => percentile(latencies, 0.5));
    return {
      text: table(
        ['from the last element to', 'p50, ms', '× bare trigger', 'p99, ms'],
        NAMES.map((name) => [
          WHAT[name],
          spread(p50(name)),
          figure(ratio(p50(name), p50('raw'))),
          figure(median(raw[name].map((latencies) => percentile(latencies, 0.99)))),
        ]),
      ),
      targets: [atMost('outcome-delay: p50 × a bare `pusher.trigger`', ratio(p50('inloop'), p50('raw')), 1.4)],
    };
  },
});
