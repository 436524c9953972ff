// The worker process of a stack. The argument names the stack; CONCURRENCY in the environment is how many tasks run at once.
import { now, pause } from '../measure/clock.ts';
import { heapInUse } from '../measure/heap.ts';
import { loadStack } from '../stacks/index.ts';
import { Marks } from '../stacks/marks.ts';
import { createPusher } from '../stacks/pusher-per-element.ts';
import { answerCalls } from './bench-process.ts';

/** How long to wait for tasks. No run takes 10 minutes even on a busy machine, so a task that has not returned by then is lost. */
const LONGEST_MS = 600_000;

const stack = await loadStack(process.argv[2] ?? '');
const marks = new Marks();
const half = await stack.startWorker(process.env, { concurrency: Number(process.env.CONCURRENCY), marks });

answerCalls(
  {
    /** Resolves when `count` tasks have returned since the last `takeMarks`. */
    waitForReturns: (count: number) => marks.waitForReturns(count, LONGEST_MS),
    /** How many handlers run. */
    open: () => marks.open,
    takeMarks: () => marks.take(),
    counts: () => half.counts(),
    /** Heap in use after a garbage collection, in MB. */
    heap: () => heapInUse() / 2 ** 20,
    /**
     * For outcome-delay: calls `pusher.trigger` `count` times, with a pause of `ms` after each.
     * @returns `done`: when each call began, which is compared with when the handler of a task finished its last element
     */
    async triggerEvery({ user, count, ms }: { user: string; count: number; ms: number }) {
      const pusher = createPusher(process.env);
      const times: { n: number; done: number }[] = [];
      for (let n = 0; n < count; n++) {
        times.push({ n, done: now() });
        const result = { n, imported: 1, skipped: 0 };
        await pusher.trigger(`private-user-${user}`, 'task.succeeded', { id: String(n), result });
        await pause(ms);
      }
      return times;
    },
    /** For bare-parts: sends events for `ms`, `inFlight` requests at a time, ten events in each or one. @returns events a second */
    async eventsPerSecond({ inFlight, ms, batch }: { inFlight: number; ms: number; batch: boolean }) {
      const pusher = createPusher(process.env);
      const one = { channel: 'private-user-nobody', name: 'task.progress', data: '{"done":1,"total":100}' };
      const began = now();
      const end = began + ms;
      let events = 0;
      const send = async () => {
        while (now() < end) {
          if (batch) await pusher.triggerBatch(Array.from({ length: 10 }, () => ({ ...one })));
          else await pusher.trigger(one.channel, one.name, { done: 1, total: 100 });
          events += batch ? 10 : 1;
        }
      };
      await Promise.all(Array.from({ length: inFlight }, send));
      return (events / (now() - began)) * 1_000;
    },
  },
  () => half.close(),
);
