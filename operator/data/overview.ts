/** Reads the overview: definitions, workers, the bus. It serves `GET /api/overview` and the live streams. */

import type { Backend } from '../../backend/backend.ts';
import { DefinitionStats } from '../../backend/operator/definition-stats.ts';
import { Pauses } from '../../backend/operator/pauses.ts';
import type { DefinitionOverview, Overview } from '../../core/operator/overview.ts';
import type { BusCost } from './bus-cost.ts';
import { CachedRead } from './cached-read.ts';
import type { StuckSource } from './stuck.ts';
import type { TaskFinder } from './task-finder.ts';
import { readWorkers } from './workers.ts';

/** For how long an overview is given again. A bit less than the second between two ticks of the live streams (`live-streams.ts`). */
const MAX_AGE_MS = 900;

export interface OverviewOptions {
  readonly backend: Backend;
  readonly finder: TaskFinder;
  readonly stuck: StuckSource;
  readonly busCost: BusCost;
  readonly isIndexed: () => Promise<boolean>;
}

/** The overview, read when somebody asks. */
export class OverviewSource {
  readonly #options: OverviewOptions;
  readonly #stats: DefinitionStats;
  readonly #pauses: Pauses;
  readonly #cached = new CachedRead(MAX_AGE_MS, () => this.#read());

  constructor(options: OverviewOptions) {
    this.#options = options;
    this.#stats = new DefinitionStats(options.backend.redis);
    this.#pauses = new Pauses(options.backend.redis);
  }

  /** The overview, at most a second old. Its `stuck` may be 4 s older. @throws TaskError `store_unavailable` */
  get(): Promise<Overview> {
    return this.#cached.get();
  }

  /** Makes the next call read anew. Call it when something was changed here. */
  forget(): void {
    this.#cached.forget();
  }

  async #read(): Promise<Overview> {
    const { backend, finder, stuck, busCost, isIndexed } = this.#options;
    const now = backend.clock.now();
    const [names, workers, isComplete, report] = await Promise.all([
      finder.listNames(),
      backend.workers.list(),
      isIndexed(),
      stuck.get(),
    ]);
    const pauses = await this.#pauses.of(names);
    const alive = workers.filter(({ isAlive }) => isAlive);
    const [definitions, workerOverviews] = await Promise.all([
      Promise.all(
        names.map(async (name) => {
          const handledBy = alive.filter((worker) => worker.names.includes(name)).length;
          return this.#readDefinition(name, now, { paused: pauses.get(name) ?? null, workers: handledBy });
        }),
      ),
      readWorkers(backend, workers),
    ]);
    const endedLately = definitions.reduce((sum, { endedLately }) => sum + endedLately, 0);
    return {
      time: new Date(now).toISOString(),
      definitions: definitions.map(({ overview }) => overview),
      workers: workerOverviews,
      workerCount: workers.length,
      bus: await busCost.read(now, endedLately),
      index: { isComplete },
      stuck: report.items.length,
    };
  }

  async #readDefinition(
    name: string,
    now: number,
    known: Pick<DefinitionOverview, 'paused' | 'workers'>,
  ): Promise<{ readonly overview: DefinitionOverview; readonly endedLately: number }> {
    const [counts, line, oldest, runSeconds, { endedLately, ...ended }] = await Promise.all([
      this.#stats.readCounts(name),
      this.#options.backend.redis.countWaiting(name),
      this.#stats.readOldestQueued(name),
      this.#stats.readRunSeconds(name),
      this.#stats.readEnded(name, now),
    ]);
    const oldestQueuedAt = oldest === null ? null : new Date(oldest).toISOString();
    return { overview: { name, counts, line, oldestQueuedAt, runSeconds, ...ended, ...known }, endedLately };
  }
}
