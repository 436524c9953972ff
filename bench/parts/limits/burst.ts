// The part `burst`: 1,000 users, each with a page open, start 10,000 tasks at once. Measures whether all are accepted, when
// outcomes are shown, and how much memory server and worker take.
import { readMemoryMb } from '../../measure/cpu.ts';
import { figure, table } from '../../measure/table.ts';
import { definePart, holds, type Part } from '../../part.ts';
import { BenchProcess } from '../../processes/bench-process.ts';
import type { LoadResult } from '../../processes/load.ts';
import { withRunningStack } from '../../running-stack.ts';
import { makeInput } from '../../stacks/task.ts';

/** How much resident memory server and worker may each take here. The limits on waiting commands and outcomes (see `report`) allow more. */
const MAX_MB = 512;

interface Figures {
  readonly users: number;
  readonly tasks: number;
  readonly accepted: number;
  /** How many answers were 503 with `Retry-After: 1`. Such a request is sent again. */
  readonly putOff: number;
  /** Seconds from the first request to the last answer 202. */
  readonly lastAccepted: number;
  /** Seconds from the first request until a page shows the first outcome. */
  readonly firstOutcome: number;
  /** Seconds from the first request until a page shows the last outcome. */
  readonly lastOutcome: number;
  /** Outcomes that no page showed. */
  readonly lost: number;
  /** Resident memory in MB: before the burst, and the most during it. */
  readonly server: readonly [number, number];
  readonly worker: readonly [number, number];
}

export const burst: Part<unknown> = definePart<Figures>({
  name: 'burst',
  title: 'burst: 10,000 tasks at once by 1,000 users',
  measure({ services, quick, log }) {
    const users = Array.from({ length: quick ? 100 : 1_000 }, (_, index) => `user-${index}`);
    const inputs = Array.from({ length: users.length * 10 }, (_, n) =>
      makeInput({ n, user: users[n % users.length] as string, elements: 10, work: 'sleep', size: 1 }),
    );
    log(`${inputs.length} tasks of ${users.length} users`);
    return withRunningStack({ services, stack: 'inloop', users }, async (running) => {
      const loader = await BenchProcess.start('load', { env: services.env });
      const pids = [running.server.pid, running.worker?.pid ?? 0] as const;
      const before = pids.map(readMemoryMb);
      const peaks = [...before];
      const sampler = setInterval(() => {
        for (const [index, pid] of pids.entries()) peaks[index] = Math.max(peaks[index] ?? 0, readMemoryMb(pid));
      }, 50);
      try {
        let load: LoadResult | undefined;
        const requests = inputs.map((body) => ({ path: '/imports', user: body.user, body }));
        const run = await running.watch(inputs, async () => {
          load = await loader.call<LoadResult>('all', requests);
          return load.began;
        });
        if (!load) throw new Error('The requests were not sent.');
        const { began, ended, statuses } = load;
        return {
          users: users.length,
          tasks: inputs.length,
          accepted: statuses['202'] ?? 0,
          putOff: statuses['503'] ?? 0,
          lastAccepted: (ended - began) / 1_000,
          firstOutcome: (run.firstOutcome - began) / 1_000,
          lastOutcome: run.wall / 1_000,
          lost: run.lost,
          server: [before[0] ?? 0, peaks[0] ?? 0],
          worker: [before[1] ?? 0, peaks[1] ?? 0],
        };
      } finally {
        clearInterval(sampler);
        await loader.stop();
      }
    });
  },
  report(raw) {
    const peak = Math.max(raw.server[1], raw.worker[1]);
    return {
      text: [
        table(
          [
            'accepted',
            'put off (503)',
            'last accepted after, s',
            'first outcome shown after, s',
            'last outcome shown after, s',
            'lost',
            'server, MB',
            'worker, MB',
          ],
          [
            [
              `${figure(raw.accepted)} of ${figure(raw.tasks)}`,
              figure(raw.putOff),
              figure(raw.lastAccepted),
              figure(raw.firstOutcome),
              figure(raw.lastOutcome),
              figure(raw.lost),
              `${figure(raw.server[0])} → ${figure(raw.server[1])}`,
              `${figure(raw.worker[0])} → ${figure(raw.worker[1])}`,
            ],
          ],
        ),
        'Why the memory is bounded: an accepted task lives in Redis only. A process holds the commands that Redis has not answered (at most 20,000, each for at most 1.5 s) and the newest snapshot of each task that waits to be pushed (at most 10,000 outcomes; the store remembers the others). A worker also holds as many tasks as its concurrency.',
      ].join('\n\n'),
      targets: [
        holds('burst: accepted', figure(raw.accepted), figure(raw.tasks), raw.accepted === raw.tasks),
        holds('burst: outcomes lost', figure(raw.lost), '0', raw.lost === 0),
        holds(
          'burst: first outcome shown before the last task is accepted',
          `${figure(raw.firstOutcome)} s`,
          `< ${figure(raw.lastAccepted)} s`,
          raw.firstOutcome < raw.lastAccepted,
        ),
        holds('burst: most memory of server and worker', `${figure(peak)} MB`, `≤ ${MAX_MB} MB each`, peak <= MAX_MB),
      ],
    };
  },
});
