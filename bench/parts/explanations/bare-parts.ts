// The part `bare-parts`: what Redis, Soketi and bee-queue do by themselves on this machine. The stack `queue-only` adds nothing to
// bee-queue, and its handlers have no work here.
import { percentile } from '../../measure/stats.ts';
import { figure, spread, table } from '../../measure/table.ts';
import { definePart, type Part } from '../../part.ts';
import { withRunningStack } from '../../running-stack.ts';
import { makeInput } from '../../stacks/task.ts';

interface Figures {
  /** Round trips (PING) in ms. */
  readonly redis: readonly number[];
  /** Jobs a second, one entry a round. */
  readonly jobs: readonly number[];
  /** Events a second, sent by one `trigger` after the other; one entry a round. */
  readonly triggers: readonly number[];
  /** Events a second in batches of ten, by the number of requests at the same time; one entry a round. */
  readonly batches: Readonly<Record<'1' | '8' | '32', readonly number[]>>;
}

export const bareParts: Part<unknown> = definePart<Figures>({
  name: 'bare-parts',
  title: 'bare-parts: Redis, Soketi and bee-queue alone',
  async measure({ services, quick, log }) {
    const rounds = quick ? 1 : 2;
    const ms = quick ? 300 : 1_000;
    const redis: number[] = [];
    for (let n = 0; n < 2_000; n++) {
      const began = performance.now();
      await services.redis.roundTrip();
      redis.push(performance.now() - began);
    }
    const jobs: number[] = [];
    const triggers: number[] = [];
    const batches = { '1': [] as number[], '8': [] as number[], '32': [] as number[] };
    for (let round = 1; round <= rounds; round++) {
      log(`round ${round} of ${rounds}`);
      await withRunningStack({ services, stack: 'queue-only', users: [] }, async (running) => {
        const inputs = (from: number, count: number) =>
          Array.from({ length: count }, (_, n) =>
            makeInput({ n: from + n, user: 'user-0', elements: 1, work: 'none', size: 0 }),
          );
        // Warm-up, as is the first call of `send`.
        await running.run(inputs(0, 1_000));
        const count = quick ? 2_000 : 10_000;
        jobs.push((count / (await running.run(inputs(1_000, count))).wall) * 1_000);
        const send = async (batch: boolean, inFlight: number) =>
          (await running.worker?.call<number>('eventsPerSecond', { batch, inFlight, ms })) ?? Number.NaN;
        await send(true, 8);
        triggers.push(await send(false, 1));
        for (const inFlight of ['1', '8', '32'] as const) batches[inFlight].push(await send(true, Number(inFlight)));
      });
    }
    return { redis, jobs, triggers, batches };
  },
  report: ({ redis, jobs, triggers, batches }) => ({
    text: table(
      ['what', 'figure'],
      [
        ['Redis round trip, p50 ms', figure(percentile(redis, 0.5))],
        ['bee-queue jobs without work, a second', spread(jobs)],
        ['single triggers, one at a time, events a second', spread(triggers)],
        ...(['1', '8', '32'] as const).map((inFlight) => [
          `batches of 10, ${inFlight} in flight, events a second`,
          spread(batches[inFlight]),
        ]),
      ],
    ),
    targets: [],
  }),
});
