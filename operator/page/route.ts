/**
 * What the page shows, as its address says it. Every view, filter and page of a list has an address of its own, so that a link
 * can be shared and Back works. Pure.
 *
 * `?view=tasks&status=failed&error=timeout` lists failed tasks, `?task=<id>` shows one, and no query shows the overview.
 */

import type { TaskFilter } from '../../core/operator/tasks.ts';
import { STATUSES, type Status } from '../../core/tasks/snapshot.ts';

/** The ages by which a list can be filtered, in seconds. `1d`: created within the last day. `over-1d`: more than a day ago. */
export const AGES = { '15m': 900, '1h': 3_600, '1d': 86_400, '7d': 604_800 } as const;
export type Age = keyof typeof AGES;

/** The filter of the list, as the form shows it. '' stands for no condition. */
export interface ListFilter {
  /** Empty for all statuses. */
  readonly status: readonly Status[];
  readonly name: string;
  readonly owner: string;
  /** Words of the error. */
  readonly error: string;
  readonly age: Age | `over-${Age}` | '';
}

/** What the page shows. */
export type Route =
  | { readonly view: 'overview' }
  | { readonly view: 'tasks'; readonly filter: ListFilter; readonly cursor: string | null }
  | { readonly view: 'task'; readonly id: string }
  | { readonly view: 'stuck' }
  | { readonly view: 'audit'; readonly cursor: string | null };

/** The filter without a condition. */
export const NO_FILTER: ListFilter = { status: [], name: '', owner: '', error: '', age: '' };

/** The longest text of a filter, in characters. */
export const MAX_FILTER_TEXT = 200;

/** Reads the route from an address. Leaves out what it does not know. @param query `location.search` */
export function parseRoute(query: string): Route {
  const params = new URLSearchParams(query);
  const id = params.get('task');
  if (id) return { view: 'task', id };
  const cursor = params.get('cursor') || null;
  switch (params.get('view')) {
    case 'tasks':
      return { view: 'tasks', filter: parseFilter(params), cursor };
    case 'stuck':
      return { view: 'stuck' };
    case 'audit':
      return { view: 'audit', cursor };
    default:
      return { view: 'overview' };
  }
}

/** The address of a route, relative to the address of the page. */
export function hrefOf(route: Route): string {
  switch (route.view) {
    case 'overview':
      return './';
    case 'task':
      return `?${new URLSearchParams({ task: route.id })}`;
    case 'stuck':
      return '?view=stuck';
    case 'audit':
      return `?${withCursor(new URLSearchParams({ view: 'audit' }), route.cursor)}`;
    case 'tasks': {
      const { status, ...texts } = route.filter;
      const params = new URLSearchParams({ view: 'tasks' });
      if (status.length > 0) params.set('status', status.join(','));
      for (const [name, text] of Object.entries(texts)) if (text) params.set(name, text);
      return `?${withCursor(params, route.cursor)}`;
    }
  }
}

/** The address of the list with these conditions. */
export function listHref(filter: Partial<ListFilter>): string {
  return hrefOf({ view: 'tasks', filter: { ...NO_FILTER, ...filter }, cursor: null });
}

/** The filter as the server takes it: an age becomes a time. @param now the server's time, in milliseconds since 1970 */
export function toTaskFilter({ status, name, owner, error, age }: ListFilter, now: number): TaskFilter {
  const isOver = age.startsWith('over-');
  const seconds = age && AGES[(isOver ? age.slice(5) : age) as Age];
  const at = seconds && new Date(now - seconds * 1_000).toISOString();
  return {
    ...(status.length > 0 && { status }),
    ...(name && { name }),
    ...(owner && { owner }),
    ...(error && { error }),
    ...(at && { [isOver ? 'until' : 'since']: at }),
  };
}

/** Whether a filter has a condition. An act on all tasks that match needs one. */
export function hasCondition(filter: ListFilter): boolean {
  return Object.values(filter).some(({ length }) => length > 0);
}

function parseFilter(params: URLSearchParams): ListFilter {
  const wanted = params.get('status')?.split(',') ?? [];
  const text = (name: string) => (params.get(name) ?? '').slice(0, MAX_FILTER_TEXT);
  const age = text('age');
  return {
    status: STATUSES.filter((status) => wanted.includes(status)),
    name: text('name'),
    owner: text('owner'),
    error: text('error'),
    age: Object.hasOwn(AGES, age.replace(/^over-/, '')) ? (age as ListFilter['age']) : '',
  };
}

function withCursor(params: URLSearchParams, cursor: string | null): URLSearchParams {
  if (cursor) params.set('cursor', cursor);
  return params;
}
