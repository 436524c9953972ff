/**
 * Reads the parts of a request: body, query, `If-None-Match`. Throws a TaskError for a wrong part. It serves the task router and
 * the operator's.
 */

import type { Request } from 'express';
import { DEFAULT_PAGE_SIZE, MAX_INPUT_BYTES, MAX_PAGE_SIZE } from '../../../core/limits.ts';
import type { ListState } from '../../../core/wire.ts';
import { formOf, hasBody, jsonOf } from '../../mounting/request-body.ts';
import { refusal } from '../../problem.ts';
import { isId } from '../task-id.ts';

/** The largest body that the router reads: the largest input, and 4 KiB for the rest. */
export const MAX_BODY_BYTES = MAX_INPUT_BYTES + 4_096;

/** The JSON object that is the body. @throws TaskError `invalid_json` (400), `invalid_body` (422) */
export function objectBody(req: Request): Record<string, unknown> {
  const body = jsonOf(req);
  if (body === undefined)
    throw refusal('invalid_json', 'Expected a JSON body with Content-Type: application/json.', 400);
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw refusal('invalid_body', 'Expected a JSON object as the body.', 422);
  }
  return body as Record<string, unknown>;
}

/** The JSON object that is the body; an empty one if the request has none. @throws as {@link objectBody} does */
export function optionalBody(req: Request): Record<string, unknown> {
  return hasBody(req) ? objectBody(req) : {};
}

/** The fields of the form that is the body. @throws TaskError `unsupported_media_type` (415) for anything but a form */
export function formBody(req: Request): Record<string, unknown> {
  const form = formOf(req);
  if (form !== undefined) return form;
  const came = req.get('Content-Type')?.slice(0, 60) ?? 'none';
  throw refusal(
    'unsupported_media_type',
    `Expected a form with Content-Type: application/x-www-form-urlencoded (socket_id, channel_name), got ${came}.`,
    415,
  );
}

/** The query's `state`; all tasks if it has none. @throws TaskError `invalid_query` (400) */
export function stateOf(value: unknown): ListState {
  if (value === undefined) return 'all';
  if (value === 'active' || value === 'unseen' || value === 'all') return value;
  throw refusal('invalid_query', 'state must be active, unseen or all.', 400);
}

/** The query's `limit`: how many tasks a page has. @throws TaskError `invalid_query` (400) */
export function limitOf(value: unknown): number {
  if (value === undefined) return DEFAULT_PAGE_SIZE;
  const limit = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= MAX_PAGE_SIZE) return limit;
  throw refusal('invalid_query', `limit must be a whole number from 1 to ${MAX_PAGE_SIZE}.`, 400);
}

/** The query's `cursor`: the last id of the page before. @throws TaskError `invalid_query` (400) */
export function cursorOf(value: unknown): string | null {
  if (value === undefined) return null;
  if (isId(value)) return value;
  throw refusal('invalid_query', 'cursor must be the nextCursor of an earlier page.', 400);
}

/** The `ETag` of a task. */
export function etagOf(revision: number): string {
  return `"${revision}"`;
}

/** Whether an `If-None-Match` names this revision. */
export function namesRevision(header: string, revision: number): boolean {
  return header.split(',').some((candidate) => {
    const tag = candidate.trim().replace(/^W\//, '');
    return tag === etagOf(revision) || tag === '*';
  });
}
