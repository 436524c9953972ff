/** Reads all that the operator is shown of one task: its story, its facts, and its payload if the application allows that. */

import type { Backend } from '../../backend/backend.ts';
import { readStory } from '../../backend/operator/story.ts';
import { readEntries, type TaskEntry } from '../../backend/operator/task-entries.ts';
import type { StoryEntry, TaskDetails, TaskFacts } from '../../core/operator/task-details.ts';
import { cut } from '../../core/values/text.ts';
import { requireFound } from '../../server/tasks/lookup.ts';
import { isId } from '../../server/tasks/task-id.ts';
import type { StuckSource } from './stuck.ts';
import type { TaskFinder } from './task-finder.ts';
import { toRow } from './task-row.ts';

/** The longest JSON text of an input, a result or a checkpoint that is shown, in UTF-16 code units. The rest is cut off. */
const MOST_PAYLOAD = 65_536;

export interface DetailsOptions {
  readonly backend: Backend;
  readonly finder: TaskFinder;
  readonly stuck: StuckSource;
  readonly payloads: boolean;
}

/** Reads the details of tasks. */
export class DetailsReader {
  readonly #options: DetailsOptions;

  constructor(options: DetailsOptions) {
    this.#options = options;
  }

  /** @throws TaskError `not_found` (404), `store_unavailable` */
  async read(id: string): Promise<TaskDetails> {
    const { backend, finder, stuck, payloads } = this.#options;
    const [found = null] = isId(id) ? await readEntries(backend.redis, [id]) : [];
    const entry = requireFound(found);
    const [{ story, isCut }, facts, reason, payload] = await Promise.all([
      readStory(backend.redis, id),
      this.#readFacts(entry),
      stuck.findReason(entry),
      payloads ? this.#readPayload(id) : null,
    ]);
    return {
      time: backend.clock.iso(),
      task: toRow(entry, finder.offered),
      story: withSeen(story, entry),
      isStoryCut: isCut,
      stuck: reason,
      facts,
      payload,
    };
  }

  async #readFacts({
    id,
    owner,
    snapshot,
    retriedBy,
    worker,
    runs,
    gate,
    suspicion,
    children,
  }: TaskEntry): Promise<TaskFacts> {
    const { redis, store, workers } = this.#options.backend;
    const [[placed], known, unpushed] = await Promise.all([
      store.withPlaces(owner, [snapshot]),
      worker === null ? [] : workers.list(),
      redis.send((client) => client.zScore(redis.keys.unpublished, id)),
    ]);
    const runner = known.find((one) => one.id === worker);
    // `<limit> <gate>`, as the record has it.
    const [limit = '', name = ''] = gate?.split(' ') ?? [];
    return {
      runs,
      worker:
        worker === null
          ? null
          : { id: worker, isAlive: runner?.isAlive ?? false, blockedSeconds: (runner?.blockedFor ?? 0) / 1_000 },
      ahead: placed?.status === 'queued' ? (placed.queue?.ahead ?? null) : null,
      gate: gate === null ? null : { name, limit: Number(limit) },
      parent: snapshot.parent ?? null,
      children,
      retryOf: snapshot.retryOf,
      retriedBy,
      isUnpushed: unpushed !== null,
      crashes: suspicion.charged + suspicion.shared,
    };
  }

  async #readPayload(id: string): Promise<TaskDetails['payload']> {
    const record = await this.#options.backend.store.read(id, { input: true, result: true, checkpoint: true });
    if (record === null) return null;
    const { input, checkpoint, snapshot } = record;
    return {
      input: textOf(input),
      result: textOf(snapshot.result ?? undefined),
      checkpoint: textOf(checkpoint?.value),
      note: snapshot.progress?.note ?? null,
    };
  }
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : cut(JSON.stringify(value, null, 2), MOST_PAYLOAD);
}

/** Adds to the story that the owner saw the outcome. The stored story lacks this entry; the record says when it was. */
function withSeen(story: readonly StoryEntry[], { snapshot }: TaskEntry): readonly StoryEntry[] {
  if (snapshot.seenAt === null) return story;
  const seen: StoryEntry = {
    at: snapshot.seenAt,
    type: 'seen',
    attempt: snapshot.attempt,
    code: null,
    worker: null,
    dueAt: null,
  };
  return [...story, seen].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
