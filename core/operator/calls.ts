/**
 * The calls of the operator's page to its server. The files beside this one have the parts of their answers. All of them serve
 * `operator/api/` and `operator/page/`.
 *
 * All calls are below the path at which the router is mounted (`/operator`, say). Whoever `allow` refuses gets 404 for all.
 *
 * | call | answer |
 * |---|---|
 * | `GET /` and the files of the page | the page (`operator/page/`) |
 * | `GET /api/session` | 200 {@link OperatorSession} |
 * | `GET /api/overview` | 200 {@link Overview} |
 * | `GET /api/tasks?…` | 200 {@link OperatorTaskPage}; the query: {@link TaskFilter}, `limit` (1 to 100, default 50), `cursor` |
 * | `GET /api/tasks/:id` | 200 {@link TaskDetails}, 404 `not_found` |
 * | `GET /api/stuck` | 200 {@link StuckReport} |
 * | `GET /api/audit?cursor=&limit=` | 200 {@link AuditPage} |
 * | `POST /api/acts` {@link ActRequest} | 200 {@link ActPreview} with `preview: true`, else 200 {@link ActResult} |
 * | `GET /api/live?task=<id>` | 200 `text/event-stream`: {@link LiveEvents}; 503 with `Retry-After` over the limit of streams |
 *
 * Errors are `Problem` (wire.ts), as `application/problem+json`. While Redis is away, each call that needs Redis answers 503:
 * all but the page and `GET /api/session`. An act may be refused with 403 `view_only`, 403 `cross_site`, 409
 * `preview_expired` or 422 `invalid_act`. Times are ISO 8601 in UTC by Redis' clock. Texts are text, never markup, and may
 * be hostile. No answer has an input, a result, a checkpoint or a note, unless the application has asked for them
 * (`payloads: true`).
 */

import type { Act } from './acts.ts';
import type { Overview } from './overview.ts';

/** What an operator may do: look, or look and act. */
export type OperatorRole = 'view' | 'act';

/** Answer of `GET /api/session`. */
export interface OperatorSession {
  readonly role: OperatorRole;
  /** Who the operator is, as `allow` says; null if it does not say. */
  readonly who: string | null;
  /** Whether {@link TaskDetails} have `payload`. */
  readonly payloads: boolean;
  /** The acts that this operator may do: none for `view`. */
  readonly acts: readonly Act[];
}

/**
 * The events of `GET /api/live`, by name; `data` is JSON. A comment line comes every 15 s at the latest: after 40 s of
 * silence the stream is dead. EventSource connects again by itself.
 */
export interface LiveEvents {
  /** At once, and then at most once a second when it has changed (its `time` does not count). */
  readonly overview: Overview;
  /** Tasks were created or have changed their status: fetch the list or the task that is shown. At most once a second. */
  readonly changed: { readonly version: number };
  /** The task that the stream was opened for is at another revision. */
  readonly task: { readonly id: string; readonly revision: number };
}
