/** Reads what the workers run. It serves the operator's overview. */

import type { Backend } from '../../backend/backend.ts';
import { readEntries } from '../../backend/operator/task-entries.ts';
import type { KnownWorker } from '../../backend/recovery/worker-registry.ts';
import type { WorkerOverview } from '../../core/operator/overview.ts';

/** How many workers are shown, and how many tasks of each. */
const MOST_WORKERS = 200;
const MOST_RUNNING = 20;

/** The overviews of these workers, at most 200, the living ones first. @throws TaskError `store_unavailable` */
export async function readWorkers(
  { redis }: Pick<Backend, 'redis'>,
  workers: readonly KnownWorker[],
): Promise<readonly WorkerOverview[]> {
  const shown = [...workers]
    .sort((a, b) => Number(b.isAlive) - Number(a.isAlive) || compareStart(a, b))
    .slice(0, MOST_WORKERS);
  const running = await Promise.all(shown.map(({ id }) => redis.runningOn(id)));
  // Ids sort by the time when tasks were created, so the oldest tasks of each worker are kept.
  const ids = running.map((tasks) => Object.keys(tasks).sort().slice(0, MOST_RUNNING));
  const entries = await readEntries(redis, ids.flat());
  const byId = new Map(entries.flatMap((entry) => (entry ? [[entry.id, entry] as const] : [])));
  return shown.map((worker, n) => ({
    id: worker.id,
    names: [...worker.names].sort(),
    isAlive: worker.isAlive,
    since: worker.startedAt ?? null,
    concurrency: worker.concurrency ?? null,
    blockedSeconds: worker.blockedFor / 1_000,
    runningCount: Object.keys(running[n] ?? {}).length,
    running: (ids[n] ?? []).flatMap((id) => {
      const entry = byId.get(id);
      if (entry === undefined) return [];
      const since = entry.begunAt === null ? null : new Date(entry.begunAt).toISOString();
      return [{ id, name: entry.snapshot.name, since }];
    }),
  }));
}

/** The one that started first comes first. Workers of earlier versions, whose start is not known, come before all others. */
function compareStart(a: KnownWorker, b: KnownWorker): number {
  const [one, other] = [`${a.startedAt ?? ''} ${a.id}`, `${b.startedAt ?? ''} ${b.id}`];
  return one < other ? -1 : 1;
}
