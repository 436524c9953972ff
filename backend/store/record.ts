/**
 * The record of a task: the fields of the hash `task:<id>`, how they are written and how they are read. It serves the
 * store and its commands.
 *
 * | field       | in Redis | holds                                                              | written by                  |
 * |-------------|----------|--------------------------------------------------------------------|-----------------------------|
 * | revision    | `r` | the task's revision                                                     | create-task, commit-change, mark-seen |
 * | snapshot    | `s` | the snapshot as a list shows it, JSON; a result too big for an event is left out | create-task, commit-change |
 * | result      | `R` | the result that was left out, JSON; no field if none was                | commit-change               |
 * | seenAt      | `v` | when the owner saw the outcome (ms). `s` stays as it is: the reader adds this | mark-seen             |
 * | owner       | `o` | whose task it is                                                        | create-task                 |
 * | input       | `i` | the input as its schema gave it, JSON                                   | create-task                 |
 * | raw         | `x` | the input as it came, JSON, if it differs from `i`; '' if it was not JSON      | create-task          |
 * | retriedBy   | `t` | id of the task that tries this one again                                | create-task (of that task)  |
 * | waitedUntil | `w` | until when a request waits for the task to change (ms)                  | mark-waited                 |
 * | run         | `n` | how often the task was started; also the number of its current or last run | commit-change (start)    |
 * | worker      | `k` | the worker that runs it; '' for none                                    | commit-change (start, end)  |
 * | begunAt     | `b` | when the run began (ms)                                                 | commit-change (start)       |
 * | handedBackProgress | `p` | the progress of a run that was handed back, JSON; '' for none    | commit-change (end)         |
 * | retention   | `e` | how long each outcome is kept, `succeeded=60 failed=3600 cancelled=60` in seconds; no field for as long as the backend keeps any | create-task |
 * | idempotency | `h` | the name of the task's idempotency key in Redis; no field without one   | create-task                 |
 * | hookPending | `H` | 1 while the hook for outcomes is still to run (hooks/hook-queue.ts)     | commit-change, finish-hook  |
 * | formerOwner | `O` | takes the place of `o` if the owner dismisses the task while that hook is still to run | dismiss-tasks, clear-finished |
 * | band        | `y` | of a task that starts later or may wait at a gate: its place among the owner's tasks in the line (queue/line-scripts.ts) | create-task |
 * | countedIn   | `l` | the sets in which limits count the task, JSON; no field if there are none | create-task               |
 * | gate        | `g` | `<limit> <gate>`: the gate of its concurrency key (limits/gate-scripts.ts); no field if it has none | create-task |
 * | suspicion   | `q` | crashes of workers that ran the task, JSON (recovery/probation.ts)      | commit-change (end)         |
 * | checkpoint  | `c` | the handler's last checkpoint, JSON; no field if it gave none, or the task has succeeded | commit-change, create-task (of a retry) |
 * | checkpointProgress | `C` | how far the task was when the run with that checkpoint ended, JSON; may be missing | commit-change (end), create-task (of a retry) |
 * | childrenTotal, childrenEnded, childrenFailed | `ct`, `ce`, `cf` | how many children its handler has started, how many of them have ended, and how many of those did not succeed; no field for none | create-task and commit-change (of a child), correct-counts |
 * | familyVersion | `cv` | how often something changed in its family (family/family-scripts.ts) | create-task, commit-change, correct-counts |
 * | returned    | `cr` | what the handler returned while children were active, JSON; no field otherwise | commit-change            |
 * | onChildFailure | `cp` | `ignore` if a failed child does not make the task fail; no field otherwise | create-task              |
 * | depth       | `cd` | of a child: 2, of a child of a child: 3                                 | create-task                 |
 * | trace       | `T` | where in which trace the task was accepted (events/tracing.ts); no field if it was not traced | create-task |
 *
 * Times are in ms since 1970 by Redis' clock.
 *
 * The trial version (`0.1.0-trial` in test/integration/upgrade/stores/) wrote few of these fields, and big results into `s`. Its
 * records can still be read: a field that is missing has a default.
 */

import { MAX_EVENT_BYTES } from '../../core/limits.ts';
import type { ChildFailurePolicy, FamilyState } from '../../core/tasks/children.ts';
import type { OutcomeRetention } from '../../core/tasks/definition-options.ts';
import { type Children, OUTCOMES, type Progress, type Snapshot } from '../../core/tasks/snapshot.ts';
import { transition } from '../../core/tasks/transition.ts';
import { isPartial, omitResult, withResult } from '../../core/wire.ts';
import { NO_SUSPICION, type Suspicion } from '../recovery/probation.ts';

/** The names of a record's fields in Redis. */
export const FIELD = {
  revision: 'r',
  snapshot: 's',
  result: 'R',
  seenAt: 'v',
  owner: 'o',
  input: 'i',
  raw: 'x',
  retriedBy: 't',
  waitedUntil: 'w',
  run: 'n',
  worker: 'k',
  begunAt: 'b',
  handedBackProgress: 'p',
  retention: 'e',
  idempotency: 'h',
  hookPending: 'H',
  formerOwner: 'O',
  suspicion: 'q',
  band: 'y',
  countedIn: 'l',
  gate: 'g',
  checkpoint: 'c',
  checkpointProgress: 'C',
  childrenTotal: 'ct',
  childrenEnded: 'ce',
  childrenFailed: 'cf',
  familyVersion: 'cv',
  returned: 'cr',
  onChildFailure: 'cp',
  depth: 'cd',
  trace: 'T',
} as const;

/** A task and its owner. A result that is too big for an event is left out, unless it was asked for. */
export interface OwnedTask {
  readonly snapshot: Snapshot;
  readonly owner: string;
  /** Where in which trace the task was accepted (events/tracing.ts). Never sent to a browser. */
  readonly trace?: string | undefined;
}

/** What is known of the runs of a task. Never sent to a browser. */
export interface RunState {
  /** How often the task was started. Redis refuses writes of earlier runs, even of the same attempt. */
  readonly run: number;
  /** The worker that runs the task; null if none does. */
  readonly worker: string | null;
  /** When the run began, in ms by Redis' clock. */
  readonly begunAt: number;
  /** The progress of a run that was handed back. The next run belongs to the same attempt, and must not show less. */
  readonly handedBackProgress: Progress | null;
  readonly suspicion: Suspicion;
}

/** The input of a task. */
export interface TaskInput {
  /** As the schema returned it when the task was created, after a round trip through JSON. */
  readonly input: unknown;
  /** As it came. Undefined if it was not JSON, since only JSON is stored. */
  readonly raw: unknown;
}

/** What a handler stored to go on from. Never sent to a browser. */
export interface StoredCheckpoint {
  /** What the handler passed to `task.checkpoint`, as it comes out of JSON. */
  readonly value: unknown;
  /** How far the task was when the run that gave the checkpoint ended. Null if nothing was reported. */
  readonly progress: Progress | null;
}

/** The checkpoint of a task; null if it has none. */
export interface WithCheckpoint {
  readonly checkpoint: StoredCheckpoint | null;
}

/** The family of a task whose handler has started others. */
export interface Family extends FamilyState {
  /** `familyVersion`: different after each change in the family. */
  readonly version: string;
}

/** The children of a task; null if its handler has started none. */
export interface WithFamily {
  readonly family: Family | null;
}

/** A task with all that a worker needs. */
export interface TaskRecord extends OwnedTask, RunState, TaskInput, WithCheckpoint {}

/** What to read of a record, beside its snapshot and its owner. */
export interface Wanted {
  /** Reads the record only if it belongs to this owner. Default: whoever owns it. */
  readonly owner?: string;
  readonly input?: boolean;
  readonly result?: boolean;
  readonly run?: boolean;
  readonly checkpoint?: boolean;
  readonly family?: boolean;
}

/** What a worker reads of a task that it is about to start. */
export const WANTED_TO_START = { input: true, run: true, checkpoint: true } as const satisfies Wanted;

/** A record, as far as it was wanted. */
export type ReadTask<W extends Wanted> = OwnedTask &
  (W extends { input: true } ? TaskInput : unknown) &
  (W extends { run: true } ? RunState : unknown) &
  (W extends { checkpoint: true } ? WithCheckpoint : unknown) &
  (W extends { family: true } ? WithFamily : unknown);

/** A snapshot as Redis holds it: JSON, and when the owner saw the outcome (ms), which the JSON does not say. */
export interface StoredSnapshot {
  readonly snapshot: string;
  readonly seenAt: number | null;
}

type FieldName = keyof typeof FIELD;

/** Values of fields, as Redis holds them. Null if the record has no such field. */
export type StoredFields = Readonly<Partial<Record<FieldName, string | null>>>;

const FAMILY_FIELDS = [
  'childrenTotal',
  'childrenEnded',
  'childrenFailed',
  'familyVersion',
  'returned',
  'onChildFailure',
] as const;
const RUN_FIELDS = ['run', 'worker', 'begunAt', 'handedBackProgress', 'suspicion'] as const;

/** Names in Redis and values in turn, as HSET takes them. Fields that are null or undefined are left out. */
export function encodeFields(fields: StoredFields): string[] {
  return Object.entries(fields).flatMap(([name, value]) => (value == null ? [] : [FIELD[name as FieldName], value]));
}

/** The values that Redis answered for these fields, in their order, by the fields' names. */
export function namedFields(names: readonly FieldName[], values: readonly (string | null)[]): StoredFields {
  return Object.fromEntries(names.map((name, n) => [name, values[n] ?? null]));
}

/** The names of the fields to read. */
export function fieldsToRead({ input, result, run, checkpoint, family }: Wanted): FieldName[] {
  return [
    ...(['snapshot', 'seenAt', 'owner', 'trace'] as const),
    ...(input ? (['input', 'raw'] as const) : []),
    ...(result ? (['result'] as const) : []),
    ...(run ? RUN_FIELDS : []),
    ...(checkpoint ? (['checkpoint', 'checkpointProgress'] as const) : []),
    ...(family ? FAMILY_FIELDS : []),
  ];
}

/** Makes a record of its stored fields; null if the fields are those of no record, or of a damaged one. */
export function decodeRecord<W extends Wanted>(
  fields: StoredFields,
  want: W,
  tellDamaged: () => void = () => undefined,
): ReadTask<W> | null {
  return unlessDamaged(() => decodeFields(fields, want), tellDamaged);
}

function decodeFields<W extends Wanted>(fields: StoredFields, want: W): ReadTask<W> | null {
  const { snapshot: text, seenAt, owner, input, raw, result, trace } = fields;
  if (!text || owner === undefined || owner === null) return null;
  const stored = decodeSnapshot(storedSnapshot(text, seenAt));
  const snapshot = result && isPartial(stored) ? withResult(stored, JSON.parse(result)) : stored;
  return {
    snapshot,
    owner,
    ...(trace ? { trace } : {}),
    ...(want.input && input ? decodeInput(input, raw ?? null) : {}),
    ...(want.run ? decodeRun(fields, snapshot) : {}),
    ...(want.checkpoint ? { checkpoint: decodeCheckpoint(fields) } : {}),
    ...(want.family ? { family: decodeFamily(fields) } : {}),
  } as ReadTask<W>;
}

/** How long each outcome is kept, as commit-change reads it: whole seconds; '' for as long as the backend keeps any. */
export function encodeRetention(retention: OutcomeRetention | null): string {
  if (retention === null) return '';
  return OUTCOMES.flatMap((outcome) => {
    const ms = retention[outcome];
    return ms === undefined ? [] : [`${outcome}=${Math.ceil(ms / 1_000)}`];
  }).join(' ');
}

/** A stored snapshot from two answers of Redis. @param seenAt null and '' mean that the owner has not seen the outcome */
export function storedSnapshot(snapshot: string, seenAt: string | null | undefined): StoredSnapshot {
  return { snapshot, seenAt: seenAt ? Number(seenAt) : null };
}

/**
 * Makes the two texts that store a snapshot. A result that is too big for an event gets a field of its own, so that it is
 * read only when it is wanted.
 * @returns JSON; `result` is '' if `snapshot` holds the result or there is none
 */
export function encodeSnapshot(snapshot: Snapshot): { readonly snapshot: string; readonly result: string } {
  const whole = JSON.stringify(snapshot);
  if (snapshot.status !== 'succeeded' || Buffer.byteLength(whole) <= MAX_EVENT_BYTES) {
    return { snapshot: whole, result: '' };
  }
  return { snapshot: JSON.stringify(omitResult(snapshot)), result: JSON.stringify(snapshot.result) };
}

/**
 * What `decode` makes of a record; null if the record is damaged. So if another program has overwritten a record, only its
 * task is lost: a list or a recovery that reads the record goes on with the others.
 */
export function unlessDamaged<T>(decode: () => T, tellDamaged: () => void): T | null {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    tellDamaged();
    return null;
  }
}

/** The snapshot that was stored, with `seenAt` if the owner has seen the outcome. @throws SyntaxError if it is damaged */
export function decodeSnapshot({ snapshot, seenAt }: StoredSnapshot): Snapshot {
  const stored: Snapshot | null = JSON.parse(snapshot);
  if (typeof stored !== 'object' || stored === null) throw new SyntaxError('A stored snapshot is no JSON object.');
  if (seenAt === null) return stored;
  const seen = transition(stored, { type: 'see', at: new Date(seenAt).toISOString() });
  return seen.ok ? seen.snapshot : stored;
}

/** Like `decodeSnapshot`, without a big result. Only records of the trial version have one within the snapshot. */
export function decodeListItem(stored: StoredSnapshot): Snapshot {
  const snapshot = decodeSnapshot(stored);
  return Buffer.byteLength(stored.snapshot) > MAX_EVENT_BYTES ? omitResult(snapshot) : snapshot;
}

function decodeInput(text: string, raw: string | null): TaskInput {
  const input: unknown = JSON.parse(text);
  if (raw === null) return { input, raw: input };
  return { input, raw: raw === '' ? undefined : JSON.parse(raw) };
}

/** What a new task may have beside its snapshot, its owner and its input. */
export interface TaskExtras {
  readonly raw?: string | null;
  readonly checkpoint?: StoredCheckpoint | null;
  readonly onChildFailure?: ChildFailurePolicy;
  readonly trace?: string | undefined;
}

/** The fields that only some new tasks have. `onChildFailure` is not stored if it is the default, `fail`. */
export function encodeExtras({ raw, checkpoint, onChildFailure, trace }: TaskExtras): StoredFields {
  return {
    raw: raw ?? null,
    ...(checkpoint ? { checkpoint: JSON.stringify(checkpoint.value) } : {}),
    ...(checkpoint?.progress ? { checkpointProgress: JSON.stringify(checkpoint.progress) } : {}),
    ...(onChildFailure === 'ignore' ? { onChildFailure } : {}),
    trace: trace ?? null,
  };
}

function decodeCheckpoint({ checkpoint, checkpointProgress }: StoredFields): StoredCheckpoint | null {
  if (!checkpoint) return null;
  return { value: JSON.parse(checkpoint), progress: checkpointProgress ? JSON.parse(checkpointProgress) : null };
}

/** The counts of children from their stored fields: total, ended, failed. */
export function decodeChildren([total, ended, failed]: readonly (string | null | undefined)[]): Children {
  return { total: Number(total ?? 0), ended: Number(ended ?? 0), failed: Number(failed ?? 0) };
}

function decodeFamily(fields: StoredFields): Family | null {
  const { childrenTotal, childrenEnded, childrenFailed, familyVersion, returned, onChildFailure } = fields;
  if (!familyVersion) return null;
  return {
    children: decodeChildren([childrenTotal, childrenEnded, childrenFailed]),
    returned: returned ? { result: JSON.parse(returned) } : null,
    onChildFailure: onChildFailure === 'ignore' ? 'ignore' : 'fail',
    version: familyVersion,
  };
}

function decodeRun(fields: StoredFields, { attempt, status }: Snapshot): RunState {
  const { run = null, worker, begunAt, handedBackProgress, suspicion } = fields;
  return {
    // The trial version did not count runs, and started each attempt once. Example: a task that waits for attempt 2 has run once.
    run: run === null ? attempt - (status === 'retrying' ? 1 : 0) : Number(run),
    worker: worker || null,
    begunAt: Number(begunAt ?? 0),
    handedBackProgress: handedBackProgress ? JSON.parse(handedBackProgress) : null,
    suspicion: suspicion ? JSON.parse(suspicion) : NO_SUSPICION,
  };
}
