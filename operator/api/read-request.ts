/** Reads what the operator's page sends: the query of a list, and the body of an act. Throws a TaskError for a wrong part. */

import type { Request } from 'express';
import { assertOwner } from '../../core/channel.ts';
import { ACTS, type Act, type ActTarget } from '../../core/operator/acts.ts';
import type { TaskFilter } from '../../core/operator/tasks.ts';
import { STATUSES, type Status } from '../../core/tasks/snapshot.ts';
import { isObject } from '../../core/values/options.ts';
import { refusal } from '../../server/problem.ts';
import { isId } from '../../server/tasks/task-id.ts';

/** How many entries a page of a list has. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
/** How many tasks one act may name. */
const MAX_IDS = 100;
/** The longest text to search for in errors, in characters. */
const MAX_ERROR_LENGTH = 200;
const FILTER_NAMES = ['status', 'name', 'owner', 'since', 'until', 'error'] as const;
/** The names of definitions that `defineTask` allows. */
const NAME = /^[a-z0-9-]{1,64}$/;

/** Reads the filter in a query. @throws TaskError `invalid_query` (400), `invalid_owner` (400) */
export function readQueryFilter(query: Request['query']): TaskFilter {
  const given = Object.fromEntries(
    FILTER_NAMES.flatMap((name) => {
      const value = query[name];
      if (value === undefined || value === '') return [];
      return [[name, name === 'status' && typeof value === 'string' ? value.split(',') : value]];
    }),
  );
  return readFilter(given, (message) => refusal('invalid_query', message, 400));
}

/** Reads how many entries a page of a list is to have: 1 to 100, default 50. @throws TaskError `invalid_query` (400) */
export function readLimit(value: unknown): number {
  if (value === undefined) return DEFAULT_LIMIT;
  const limit = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw refusal('invalid_query', `limit must be a whole number from 1 to ${MAX_LIMIT}.`, 400);
}

/** Reads the cursor of the audit log: how many entries to skip. @throws TaskError `invalid_query` (400) */
export function readAuditCursor(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value === 'string' && /^\d{1,6}$/.test(value)) return Number(value);
  throw refusal('invalid_query', 'cursor must be the nextCursor of an earlier page.', 400);
}

/** Reads the id of the task that a stream is about; null for none. @throws TaskError `invalid_query` (400) */
export function readTaskId(value: unknown): string | null {
  if (value === undefined || isId(value)) return value ?? null;
  throw refusal('invalid_query', 'task must be the id of a task.', 400);
}

/** Reads which act a body asks for. @throws TaskError `invalid_act` (422) */
export function readAct(value: unknown): Act {
  const act = ACTS.find((one) => one === value);
  if (act !== undefined) return act;
  throw invalidAct(`act must be one of ${ACTS.join(', ')}.`);
}

/** Reads what the act is about. @throws TaskError `invalid_act` (422), `invalid_owner` (400) */
export function readTarget(act: Act, value: unknown): ActTarget {
  const target = isObject(value) ? (value as Record<string, unknown>) : {};
  switch (act) {
    case 'pause':
    case 'resume':
      if (typeof target.name === 'string' && NAME.test(target.name)) return { name: target.name };
      throw invalidAct(`The target of ${act} is { name: <of a definition> }.`);
    case 'forget':
      if (typeof target.owner !== 'string') throw invalidAct('The target of forget is { owner: <user> }.');
      assertOwner(target.owner);
      return { owner: target.owner };
    case 'retry':
    case 'cancel':
      if (Array.isArray(target.ids)) return { ids: readIds(target.ids) };
      if (isObject(target.filter)) return { filter: readActFilter(target.filter) };
      throw invalidAct(`The target of ${act} is { ids: [...] } or { filter: {...} }.`);
  }
}

function readIds(ids: readonly unknown[]): readonly string[] {
  if (ids.length > 0 && ids.length <= MAX_IDS && ids.every(isId)) return [...new Set(ids)];
  throw invalidAct(`ids must be a list of 1 to ${MAX_IDS} task ids.`);
}

/** Refuses a filter without a condition: the act would change all tasks there are. */
function readActFilter(value: object): TaskFilter {
  const filter = readFilter(value as Record<string, unknown>, invalidAct);
  if (Object.keys(filter).length > 0) return filter;
  throw invalidAct('The filter of an act needs at least one condition.');
}

function readFilter(given: Record<string, unknown>, refuse: (message: string) => Error): TaskFilter {
  const unknown = Object.keys(given).find((name) => !(FILTER_NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) throw refuse(`A filter has ${FILTER_NAMES.join(', ')}, and nothing else.`);
  const { status, name, owner, since, until, error } = given;
  if (status !== undefined && !isStatuses(status)) throw refuse(`status must be some of ${STATUSES.join(', ')}.`);
  if (name !== undefined && !(typeof name === 'string' && NAME.test(name)))
    throw refuse('name must be that of a definition.');
  if (owner !== undefined && typeof owner !== 'string') throw refuse('owner must be a text.');
  if (typeof owner === 'string') assertOwner(owner);
  if (error !== undefined && !(typeof error === 'string' && error.trim() !== '' && error.length <= MAX_ERROR_LENGTH))
    throw refuse(`error must be words, at most ${MAX_ERROR_LENGTH} characters.`);
  return {
    ...(status === undefined ? {} : { status }),
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof owner === 'string' ? { owner } : {}),
    ...(since === undefined ? {} : { since: readTime('since', since, refuse) }),
    ...(until === undefined ? {} : { until: readTime('until', until, refuse) }),
    ...(typeof error === 'string' ? { error: error.trim() } : {}),
  };
}

function isStatuses(value: unknown): value is readonly Status[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((one) => (STATUSES as readonly unknown[]).includes(one))
  );
}

/** Reads a time, and gives it the form that snapshots have. Times of this form can be compared as texts. */
function readTime(name: string, value: unknown, refuse: (message: string) => Error): string {
  const ms = typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  if (ms >= 0) return new Date(ms).toISOString();
  throw refuse(`${name} must be a time in ISO 8601, like 2026-03-01T12:00:00Z.`);
}

function invalidAct(message: string): Error {
  return refusal('invalid_act', message, 422);
}
