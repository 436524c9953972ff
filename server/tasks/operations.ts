/**
 * The operations on the tasks of an owner: start, read, cancel, retry, mark as seen. `removals.ts` removes tasks. The router
 * calls the operations for browsers; an application may call them directly.
 */

import { tellOnce } from '../../backend/events/tell-once.ts';
import type { ServerBackend } from '../../backend/server-backend.ts';
import type { TaskRecord } from '../../backend/store/record.ts';
import { assertOwner } from '../../core/channel.ts';
import { TaskError } from '../../core/error.ts';
import { DEFAULT_PAGE_SIZE, MAX_IDEMPOTENCY_KEY_LENGTH, MAX_PAGE_SIZE, MAX_SEEN_IDS } from '../../core/limits.ts';
import type { AnyTaskDefinition, InputOf, ResultOf } from '../../core/tasks/definition.ts';
import type { Priority } from '../../core/tasks/definition-options.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { listStartLimits, type TaskLimits } from '../../core/tasks/task-limits.ts';
import { canRetry } from '../../core/tasks/transition.ts';
import { type Duration, toMilliseconds } from '../../core/values/duration.ts';
import { placeOf } from '../../core/values/json.ts';
import { refuseOptions } from '../../core/values/options.ts';
import { type ParsedInput, parseInput } from '../../core/values/parse.ts';
import { describe } from '../../core/values/text.ts';
import { LIST_STATES, type ListState, type TaskPage } from '../../core/wire.ts';
import { checkDefinitions, checkRetention, checkStart } from '../checks.ts';
import { refusal } from '../problem.ts';
import { bodyOf } from './idempotent-body.ts';
import { readOwnTask, requireFound } from './lookup.ts';
import { TaskCreator } from './task-creator.ts';
import { isId } from './task-id.ts';

/** For whom a task is started, and what makes a repeated start safe. */
export interface StartOptions {
  /** The owner of the task: the id that `identify` gives for this user. */
  readonly owner: string;
  /** A second start with the same key within 24 h gives the first task. At most 255 characters. */
  readonly idempotencyKey?: string | undefined;
  /** Which of the owner's waiting tasks come first. Default: that of the definition. */
  readonly priority?: Priority;
  /** How long from now the task starts, at most a year: `'10m'`. It may wait for its turn after that. Not together with `at`. */
  readonly delay?: Duration;
  /** Starts the task at this time, by Redis' clock, at most a year from now. At once if the time has passed. */
  readonly at?: Date;
}

export class TaskOperations {
  readonly #backend: ServerBackend;
  readonly #creator: TaskCreator;
  readonly #definitions: ReadonlyMap<string, AnyTaskDefinition>;
  /** The function with which the application made this, for messages. */
  readonly #caller: string;

  constructor(
    backend: ServerBackend,
    definitions: readonly AnyTaskDefinition[],
    caller: 'createTaskServer' | 'createTasks' | 'createOperator',
    limits: TaskLimits = {},
  ) {
    checkDefinitions(definitions, caller);
    this.#caller = caller;
    checkRetention(definitions, backend.redis.retention);
    this.#backend = backend;
    this.#creator = new TaskCreator(backend, listStartLimits(limits, null, `${caller}: limits`, 'invalid_options'));
    this.#definitions = new Map(definitions.map((definition) => [definition.name, definition]));
  }

  /** The definition of that name. @throws TaskError `unknown_task` (404) if there is none, or a browser may not start it */
  findDefinition(name: unknown, options: { readonly forBrowser: boolean }): AnyTaskDefinition {
    const definition = typeof name === 'string' ? this.#definitions.get(name) : undefined;
    if (definition && (definition.browser || !options.forBrowser)) return definition;
    if (definition) tellOnce(this.#backend.events, 'closed-definition', definition.name);
    throw refusal('unknown_task', `There is no task that could be started by the name ${describe(name)}.`, 404);
  }

  /**
   * Stores a task and queues it, in one step. Once this resolves, the task ends in an outcome, whatever crashes.
   *
   * @throws ConfigError `invalid_options` or `invalid_duration` for options that make no sense
   * @throws TaskError `invalid_input` (422) with its issues, also if the input does not survive JSON after its schema has
   *   transformed it, `too_large` (413), `invalid_owner` (400), `invalid_idempotency_key` (400),
   *   `idempotency_mismatch` (422) for a key that was used with another input,
   *   `too_many_tasks` (429) over a limit, with `retryAfter`: when to try again, in whole seconds,
   *   `already_under_way` (409) for a concurrency key that is taken, if the definition says `refuse`,
   *   `store_unavailable` (503): nothing was started. Redis may have stored the task although its answer was lost. Then the
   *   task is discarded, unless a worker has started it already. With an idempotency key it stays, and the next call gets it.
   */
  async start<D extends AnyTaskDefinition>(
    definition: D,
    input: InputOf<D>,
    options: StartOptions,
  ): Promise<Snapshot<ResultOf<D>>> {
    checkStart(definition, options);
    if (this.#definitions.get(definition.name) !== definition) {
      const isKnown = this.#definitions.has(definition.name);
      refuseOptions(
        `start: ${definition.name} is not among the tasks given to ${this.#caller}.${isKnown ? ' Another definition of that name is: the file that defines it was loaded twice. Import it from one place.' : ` Add it: ${this.#caller}({ tasks: [...] }).`}`,
      );
    }
    assertOwner(options.owner);
    const key = checkKey(options.idempotencyKey);
    const raw: unknown = input ?? null;
    const parsed = await parseInput(definition, raw);
    return this.#creator.create({
      definition,
      title: definition.titleOf(parsed.value),
      owner: options.owner,
      input: parsed,
      body: key === null ? undefined : bodyOf(raw, parsed),
      // `key:` is part of what is stored. Without it, keys from before an update of inloop would not be recognized.
      key: key && `key:${key}`,
      retryOf: null,
      checkpoint: null,
      priority: options.priority ?? definition.priority,
      startsAt: startTimeOf(options),
    }) as Promise<Snapshot<ResultOf<D>>>;
  }

  /** The task with its whole result. @throws TaskError `not_found` (404), also for a task of somebody else */
  async get(owner: string, id: string): Promise<Snapshot> {
    const { snapshot } = requireFound(isId(id) ? await this.#backend.store.read(id, { owner, result: true }) : null);
    return this.withPlace(owner, snapshot);
  }

  /** The task as lists show it: without a big result. @throws TaskError `not_found` (404) */
  async peek(owner: string, id: string): Promise<Snapshot> {
    return this.withPlace(owner, (await readOwnTask(this.#backend.store, owner, id)).snapshot);
  }

  /**
   * The task as lists show it, for a request that waits for it and whose owner was checked. With `ms` above 0, Redis
   * announces changes of the task from then on, for `ms` milliseconds.
   * @throws TaskError `not_found` (404)
   */
  async follow(id: string, ms: number): Promise<Snapshot> {
    const { store } = this.#backend;
    if (ms > 0) return requireFound(await store.markWaited(id, ms));
    return requireFound(await store.read(id)).snapshot;
  }

  /**
   * One page of `owner`'s tasks, newest first: by default 20, and at most 100, even if `limit` is higher. A page may have fewer
   * than asked for, so follow `nextCursor` until it is null.
   * @throws TaskError `invalid_query` (400)
   */
  async list(
    owner: string,
    options: { readonly state?: ListState; readonly limit?: number; readonly cursor?: string | null } = {},
  ): Promise<TaskPage> {
    const { state = 'all', limit = DEFAULT_PAGE_SIZE, cursor = null } = options;
    if (!LIST_STATES.includes(state)) throw refusal('invalid_query', 'state must be active, unseen or all.', 400);
    if (!Number.isInteger(limit) || limit < 1) {
      throw refusal('invalid_query', `limit must be a whole number from 1 to ${MAX_PAGE_SIZE}.`, 400);
    }
    if (cursor !== null && !isId(cursor)) {
      throw refusal('invalid_query', 'cursor must be the nextCursor of an earlier page.', 400);
    }
    const { store } = this.#backend;
    const page = await store.list(owner, { state, limit, cursor });
    return { ...page, tasks: await store.withPlaces(owner, page.tasks) };
  }

  /** The task of `owner`; a queued one with its place in line, where it is known. */
  async withPlace(owner: string, snapshot: Snapshot): Promise<Snapshot> {
    const [placed = snapshot] = await this.#backend.store.withPlaces(owner, [snapshot]);
    return placed;
  }

  /** Cancels a task. @throws TaskError `not_found` (404), `not_cancellable` (409) */
  async cancel(owner: string, id: string): Promise<Snapshot> {
    const task = await readOwnTask(this.#backend.store, owner, id);
    const change = await this.#backend.changes.apply(task, { type: 'cancel', at: this.#backend.clock.iso() });
    if (change.ok) return change.snapshot;
    throw refusal('not_cancellable', 'This task can no longer be cancelled.', 409);
  }

  /**
   * Retries a failed or cancelled task: starts a new task with the same input, parsed again. The new task begins at the start
   * or at the last checkpoint of the old one, as the definition's `retryFrom` says. A second call gives the same new task, as
   * long as the old one is kept.
   * @throws TaskError `not_found` (404), `not_retryable` (409), `invalid_input` (422) if the schema has changed and the
   *   input no longer fits, `too_many_tasks` (429) or `already_under_way` (409), since this is a start as well
   */
  async retry(owner: string, id: string): Promise<Snapshot> {
    const { snapshot } = await readOwnTask(this.#backend.store, owner, id);
    if (!canRetry(snapshot.status)) {
      throw refusal('not_retryable', 'Only a failed or cancelled task can be tried again.', 409);
    }
    const definition = this.#definitions.get(snapshot.name);
    if (!definition) throw refusal('not_retryable', 'This kind of task is no longer offered.', 409);
    const record = requireFound(await this.#backend.store.read(id, { owner, input: true, checkpoint: true }));
    const checkpoint = definition.retryFrom === 'checkpoint' ? record.checkpoint : null;
    const input = await this.#parseAgain(definition, record);
    return this.#creator.create({
      definition,
      title: definition.titleOf(input.value),
      owner,
      input,
      body: input.text,
      key: null,
      retryOf: id,
      retriedTrace: record.trace,
      checkpoint,
      priority: definition.priority,
    });
  }

  /**
   * Takes outcomes out of the owner's inbox, on every device. Ids of other owners' tasks, or of active ones, are ignored.
   * @throws TaskError `invalid_ids` (422) unless `ids` is a list of task ids
   */
  async seen(owner: string, ids: readonly string[]): Promise<void> {
    if (!Array.isArray(ids) || !ids.every(isId)) throw refusal('invalid_ids', 'ids must be a list of task ids.', 422);
    for (let from = 0; from < ids.length; from += MAX_SEEN_IDS) {
      await this.#backend.changes.see(owner, ids.slice(from, from + MAX_SEEN_IDS));
    }
  }

  /** Parses the stored raw input by today's schema. If the raw input was not JSON, takes the input as it was parsed then. */
  async #parseAgain(
    definition: AnyTaskDefinition,
    { input, raw }: Pick<TaskRecord, 'input' | 'raw'>,
  ): Promise<ParsedInput> {
    if (raw === undefined) return { text: JSON.stringify(input), value: input, raw: '' };
    try {
      return await parseInput(definition, raw);
    } catch (error) {
      if (!(error instanceof TaskError)) throw error;
      // An owner cannot correct a property that no longer fits, so its path goes only to the log.
      const { code, issues } = error;
      this.#backend.events.emit('retry.refused', () => ({ name: definition.name, code, at: issues.map(placeOf) }));
      throw refusal(
        'invalid_input',
        'This task was asked for with an older version of the application, and can no longer be tried again. Start a new one.',
        422,
      );
    }
  }
}

/** When to start: in ms from now, or at a time. Null for at once. */
function startTimeOf({ delay, at }: StartOptions): number | Date | null {
  return delay === undefined ? (at ?? null) : toMilliseconds(delay);
}

function checkKey(key: string | undefined): string | null {
  if (key === undefined) return null;
  if (typeof key === 'string' && key !== '' && key.length <= MAX_IDEMPOTENCY_KEY_LENGTH) return key;
  throw refusal(
    'invalid_idempotency_key',
    `An Idempotency-Key has 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters.`,
    400,
  );
}
