/**
 * Starts the tasks that a handler asks for with `task.start`: the children of its task. It serves the attempt.
 *
 * A child is stored under a key that is unique among its parent's children. If an attempt was cut short, the next one starts the
 * same children again, and gets those that exist already.
 */

import { createHash } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import type { Emitter } from '../../backend/events/events.ts';
import type { ChildRefusal } from '../../backend/store/commands/task/create-task.ts';
import { gateOf } from '../../backend/store/limits/gates.ts';
import type { TaskRecord } from '../../backend/store/record.ts';
import type { Created, NewRecord } from '../../backend/store/store.ts';
import type { Time } from '../../backend/time.ts';
import { TaskError } from '../../core/error.ts';
import { MAX_CHILD_KEY_LENGTH, MAX_CHILDREN, MAX_TASK_DEPTH } from '../../core/limits.ts';
import { type AnyTaskDefinition, isDefinition } from '../../core/tasks/definition.ts';
import { isPriority } from '../../core/tasks/definition-options.ts';
import { createSnapshot } from '../../core/tasks/snapshot.ts';
import { isObject, refuseOptions, requireOption } from '../../core/values/options.ts';
import { parseInput } from '../../core/values/parse.ts';
import { describe } from '../../core/values/text.ts';
import type { ChildOptions, StartedChild } from '../context.ts';
import { retryStore } from '../retry-store.ts';

/** Where children are stored. */
export interface ChildPorts {
  /** Stores a new task. Rejects while Redis is away; the task may have been stored all the same. */
  create(task: NewRecord, idempotencyKey: null): Promise<Created>;
  /** Notes that this process starts tasks of a definition, so that the operator learns if no worker handles it. */
  announce(name: string): void;
}

export interface ChildStarterOptions {
  readonly children: ChildPorts;
  readonly clock: { iso(): string };
  readonly time: Pick<Time, 'delay'>;
  readonly events: Emitter;
  /** The task whose handler runs, at the start of this attempt. */
  readonly record: TaskRecord;
  /** Aborted when the handler must stop. Then it starts nothing more. */
  readonly signal: AbortSignal;
}

/** The errors for a child that was not started. The owner of the parent reads them, if its handler does not catch them. */
const REFUSALS: Readonly<Record<ChildRefusal | 'mismatch', readonly [code: string, message: string]>> = {
  stale: ['stale_attempt', 'Another attempt has taken over.'],
  too_many: ['too_many_children', `A task starts at most ${MAX_CHILDREN} others.`],
  too_deep: ['children_too_deep', `Tasks start others at most ${MAX_TASK_DEPTH - 1} levels deep.`],
  own_key: ['own_key', 'A task would have started another one that has to wait for it.'],
  mismatch: ['child_mismatch', 'Two tasks with different inputs were to be started under one key.'],
};

export class ChildStarter {
  readonly #options: ChildStarterOptions;
  /** How often this attempt has started each pair of definition and input. */
  readonly #repeats = new Map<string, number>();

  constructor(options: ChildStarterOptions) {
    this.#options = options;
  }

  /** See `TaskContext.start`. */
  async start(definition: AnyTaskDefinition, given: unknown, options: ChildOptions = {}): Promise<StartedChild> {
    checkStart(definition, options);
    const { children, clock, record, signal, time, events } = this.#options;
    const input = await parseInput(definition, given ?? null);
    // The input as the handler gave it, in JSON. If it has no JSON of its own, the parsed one.
    const body = input.raw || input.text;
    const { name, attempts, retention, onChildFailure, priority } = definition;
    const { owner, run } = record;
    const parent = record.snapshot.id;
    const title = definition.titleOf(input.value);
    const gate = gateOf(definition, input.value, owner);
    const task: NewRecord = {
      snapshot: createSnapshot({ id: uuid(), name, title, attempts, at: clock.iso(), parent }),
      owner,
      input: input.value,
      raw: input.raw,
      body,
      retention,
      onChildFailure,
      priority: options.priority ?? priority,
      // Each child is a task of its own. So it always waits: it joins no other task, and replaces or refuses none.
      gate: gate && { ...gate, whenBusy: 'wait' },
      child: { parent, run, key: options.key === undefined ? this.#nextKey(name, body) : `key:${options.key}` },
    };
    children.announce(name);
    // The same id each time: if an earlier try was stored after all, the next one finds it.
    const created = await retryStore(() => children.create(task, null), { giveUp: signal, time, events });
    if (created === null) throw signal.reason;
    if (created.result === 'created') return { id: task.snapshot.id };
    if (created.result === 'exists') return { id: created.id };
    const [code, message] = REFUSALS[created.result === 'refused' ? created.why : 'mismatch'];
    throw new TaskError(code, message, { retryable: false });
  }

  /**
   * The default key: definition, input, and a number for repeats. The order of the starts is not part of it, since the next
   * attempt may start its children in another order.
   */
  #nextKey(name: string, body: string): string {
    const base = `${name}:${createHash('sha256').update(body).digest('hex').slice(0, 32)}`;
    const repeat = this.#repeats.get(base) ?? 0;
    this.#repeats.set(base, repeat + 1);
    return `${base}:${repeat}`;
  }
}

/** @throws ConfigError `invalid_options` */
function checkStart(definition: AnyTaskDefinition, options: ChildOptions): void {
  if (!isDefinition(definition)) {
    refuseOptions(`task.start: expected a definition as defineTask gives it, got ${describe(definition)}.`);
  }
  const what = `task.start(${definition.name})`;
  requireOption(isObject(options), `${what}: options`, "an object like { key: 'row-7' }", options);
  const { key, priority } = options;
  const isKey = key === undefined || (typeof key === 'string' && key !== '' && key.length <= MAX_CHILD_KEY_LENGTH);
  requireOption(isKey, `${what}: key`, `a text of 1 to ${MAX_CHILD_KEY_LENGTH} characters`, key);
  const isPriorityOrNone = priority === undefined || isPriority(priority);
  requireOption(isPriorityOrNone, `${what}: priority`, "'high', 'normal' or 'low'", priority);
}
