// Looks at the workers: whether each task definition that servers start has a living worker that handles it.
import type { Backend } from '../../backend/backend.ts';
import { type Check, Findings } from './check.ts';

/** @param backend one whose Redis can be used */
export async function checkWorkers({ redis, workers }: Backend): Promise<readonly Check[]> {
  const findings = new Findings('workers');
  const [known, definitions] = await Promise.all([workers.list(), redis.definitions()]);
  const alive = known.filter(({ isAlive }) => isAlive);
  if (alive.length > 0) {
    findings.ok('heartbeats', `${alive.length} ${alive.length === 1 ? 'worker is' : 'workers are'} alive`);
  } else if (definitions.length === 0) {
    findings.note('heartbeats', 'no server and no worker has used this Redis yet');
  }
  for (const { blockedFor } of alive) {
    if (blockedFor > 0) {
      findings.note(
        'event loop',
        `a worker has been blocked by a handler for ${Math.round(blockedFor / 1_000)} s`,
        'docs/workers.md',
      );
    }
  }
  for (const name of [...definitions].sort()) {
    if (alive.some(({ names }) => names.includes(name))) findings.ok(name, 'has a worker');
    else {
      const { jobs, next } = await redis.waitingJobs(name, null, 100);
      const waiting =
        jobs.length === 0 ? '' : `, and ${jobs.length}${next === null ? '' : ' or more'} of its tasks wait`;
      findings.failed(
        name,
        `no living worker handles it${waiting}`,
        `Start a worker that calls worker.handle() for it.`,
      );
    }
  }
  return findings.checks;
}
