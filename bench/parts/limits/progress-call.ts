// The part `progress-call`: what one call of `task.progress` costs the handler. Three tasks, one after the other, call it ten million
// times each.
import { median } from '../../measure/stats.ts';
import { figure, spread, table } from '../../measure/table.ts';
import { atMost, definePart, type Part } from '../../part.ts';
import { withRunningStack } from '../../running-stack.ts';
import { makeInput } from '../../stacks/task.ts';

const USER = 'user-0';

interface Figures {
  /** Calls in one task. */
  readonly calls: number;
  /** Microseconds a call, including the loop around it; one entry a task. */
  readonly each: readonly number[];
  /** Heap in use after a garbage collection, before and after all calls, in MB. */
  readonly heap: readonly [number, number];
}

export const progressCall: Part<unknown> = definePart<Figures>({
  name: 'progress-call',
  title: 'progress-call: a task that calls `task.progress` in a tight loop',
  measure({ services, quick, log }) {
    const calls = quick ? 1_000_000 : 10_000_000;
    return withRunningStack({ services, stack: 'inloop', users: [USER], concurrency: 1 }, async (running) => {
      const run = async (n: number, elements: number) => {
        const { marks } = await running.run([makeInput({ n, user: USER, elements, work: 'none', size: 0 })]);
        return marks.map(({ began, returned }) => ((returned - began) / elements) * 1_000);
      };
      // Warm-up: caches are filled and functions compiled.
      await run(0, 1_000_000);
      const before = await running.worker?.call<number>('heap');
      const each: number[] = [];
      for (let n = 1; n <= (quick ? 1 : 3); n++) {
        log(`${calls.toLocaleString('en')} calls`);
        each.push(...(await run(n, calls)));
      }
      const after = await running.worker?.call<number>('heap');
      return { calls, each, heap: [before ?? Number.NaN, after ?? Number.NaN] };
    });
  },
  report: ({ calls, each, heap }) => ({
    text: table(
      ['calls a task', 'µs a call', 'heap in use before, MB', 'after, MB'],
      [[figure(calls), spread(each), figure(heap[0]), figure(heap[1])]],
    ),
    targets: [
      atMost('progress-call: one call', median(each), 1, ' µs'),
      atMost('progress-call: heap that stays in use', Math.max(heap[1] - heap[0], 0), 1, ' MB'),
    ],
  }),
});
