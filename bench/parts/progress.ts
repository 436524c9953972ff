// What one call of `task.progress` costs the work: ten million of them in one task.
import { median } from '../measure/stats.ts';
import { figure, spread, table } from '../measure/table.ts';
import { atMost, definePart, type Part } from '../part.ts';
import { makeInput } from '../stacks/task.ts';
import { withTurn } from '../turn.ts';

const USER = 'user-0';

interface Figures {
  /** Calls in one task. */
  readonly calls: number;
  /** A call, with the loop around it, in µs; one a task. */
  readonly each: readonly number[];
  /** In use once the garbage is gone, before and after, in MB. */
  readonly heap: readonly [number, number];
}

export const progress: Part<unknown> = definePart<Figures>({
  name: 'progress',
  title: '`task.progress`: a task that calls it in a tight loop',
  measure({ world, quick, log }) {
    const calls = quick ? 1_000_000 : 10_000_000;
    return withTurn({ world, stack: 'inloop', users: [USER], concurrency: 1 }, async (turn) => {
      const run = async (n: number, elements: number) => {
        const { marks } = await turn.run([makeInput({ n, user: USER, elements, work: 'none', size: 0 })]);
        return marks.map(({ began, returned }) => ((returned - began) / elements) * 1_000);
      };
      await run(0, 1_000_000);
      const before = await turn.worker?.call<number>('heap');
      const each: number[] = [];
      for (let n = 1; n <= (quick ? 1 : 3); n++) {
        log(`${calls.toLocaleString('en')} calls`);
        each.push(...(await run(n, calls)));
      }
      const after = await turn.worker?.call<number>('heap');
      return { calls, each, heap: [before ?? Number.NaN, after ?? Number.NaN] };
    });
  },
  report: ({ calls, each, heap }) => ({
    text: table(
      ['calls a task', 'µs a call', 'heap in use before, MB', 'after, MB'],
      [[figure(calls), spread(each), figure(heap[0]), figure(heap[1])]],
    ),
    targets: [
      atMost('`task.progress`, a call', median(each), 1, ' µs'),
      atMost('`task.progress`, heap that stays', Math.max(heap[1] - heap[0], 0), 1, ' MB'),
    ],
  }),
});
