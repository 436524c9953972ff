/** Reads records of tasks of any owner, several in one round trip. It serves the operator's page. */

import type { Children, Snapshot } from '../../core/tasks/snapshot.ts';
import { omitResult } from '../../core/wire.ts';
import { NO_SUSPICION, type Suspicion } from '../recovery/probation.ts';
import type { CommandRunner } from '../store/commands/define-command.ts';
import { decodeSnapshot, FIELD, storedSnapshot, unlessDamaged } from '../store/record.ts';

/** A task of some owner. */
export interface TaskEntry {
  readonly id: string;
  readonly owner: string;
  /** Without its result, which lists do not show. */
  readonly snapshot: Snapshot;
  /** The id of the task that tries this one again. */
  readonly retriedBy: string | null;
  /** The worker that runs it. */
  readonly worker: string | null;
  /** When its run began, in ms; null before the first one. */
  readonly begunAt: number | null;
  readonly runs: number;
  /** `<limit> <definition>:<hash of its concurrency key>` */
  readonly gate: string | null;
  readonly suspicion: Suspicion;
  readonly children: Children | null;
}

const FIELDS = ['snapshot', 'seenAt', 'owner', 'retriedBy', 'worker', 'begunAt', 'run', 'gate', 'suspicion'] as const;

/** What is stored under these ids, in their order; null for one without a record. @throws TaskError `store_unavailable` */
export async function readEntries(
  redis: CommandRunner,
  ids: readonly string[],
): Promise<readonly (TaskEntry | null)[]> {
  if (ids.length === 0) return [];
  const names = FIELDS.map((name) => FIELD[name]);
  const stored = await redis.send((client) => Promise.all(ids.map((id) => client.hmGet(redis.keys.task(id), names))));
  return ids.map((id, n) =>
    unlessDamaged(
      () => decode(id, stored[n] ?? []),
      () => redis.tellDamaged(id),
    ),
  );
}

function decode(id: string, values: readonly (string | null)[]): TaskEntry | null {
  const [text, seenAt, owner, retriedBy, worker, begunAt, run, gate, suspicion] = values;
  if (!text || !owner) return null;
  const snapshot = omitResult(decodeSnapshot(storedSnapshot(text, seenAt)));
  return {
    id,
    owner,
    snapshot,
    retriedBy: retriedBy ?? null,
    worker: worker || null,
    begunAt: begunAt ? Number(begunAt) : null,
    runs: Number(run ?? 0),
    gate: gate ?? null,
    suspicion: suspicion ? (JSON.parse(suspicion) as Suspicion) : NO_SUSPICION,
    children: snapshot.children ?? null,
  };
}
