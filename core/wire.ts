/**
 * The protocol, in one file: push events, HTTP bodies and headers. It serves backend, server and client.
 * `docs/protocol.md` says the same in prose for clients in other languages.
 */

import type { Issue } from './error.ts';
import { MAX_EVENT_BYTES } from './limits.ts';
import { isFinished, type OutcomeSnapshot, type Snapshot, type Status } from './tasks/snapshot.ts';
import { utf8Length } from './values/text.ts';

/**
 * The version of the protocol. Within a version, fields, events and calls may be added. Nothing is removed or changes its
 * meaning (docs/protocol.md).
 */
export const PROTOCOL_VERSION = 1;

/** The header that tells the version, on every answer. */
export const PROTOCOL_HEADER = 'Inloop-Protocol';

/**
 * The header that tells the channel of the user whom an answer is for, so that a tab notices when another user has signed in.
 * A 401 does not have it.
 */
export const CHANNEL_HEADER = 'Inloop-Channel';

/** The header that tells the server's time when the answer left: ISO 8601 with milliseconds. Clients follow this clock. */
export const TIME_HEADER = 'Inloop-Time';

/** The name of the event that carries a snapshot. */
export type TaskEventName = `task.${Status}`;

/** The name of the event that tells the owner's other tabs and devices that outcomes were seen. */
export const SEEN_EVENT = 'task.seen';

/** The name of the event that tells the owner's other tabs and devices that finished tasks were removed. */
export const DISMISSED_EVENT = 'task.dismissed';

/** The name of the event that tells the owner's pages to ask `GET /connection` at once: a session has ended. Data `{}`. */
export const SESSION_EVENT = 'task.session';

/** Data of {@link SEEN_EVENT}. */
export interface SeenEvent {
  readonly ids: readonly string[];
  readonly seenAt: string;
}

/** Data of {@link DISMISSED_EVENT}. */
export interface DismissedEvent {
  readonly ids: readonly string[];
}

/** Answer of `GET /`. */
export interface TaskPage {
  /** Newest first. Results that a message could not carry are omitted here too. */
  readonly tasks: readonly Snapshot[];
  /** Pass it as `cursor` for the next page; null on the last one. */
  readonly nextCursor: string | null;
}

/** See {@link ListState}. */
export const LIST_STATES = ['active', 'unseen', 'all'] as const;
/** Which tasks a list has: those that may still change, outcomes that the owner has not seen, or all. */
export type ListState = (typeof LIST_STATES)[number];

/** Answer of `GET /connection`: what pusher-js needs. */
export interface ConnectionInfo {
  readonly key: string;
  readonly cluster: string;
  readonly wsHost: string | null;
  readonly wsPort: number | null;
  readonly wssPort: number | null;
  readonly httpHost: string | null;
  readonly httpPort: number | null;
  readonly httpsPort: number | null;
  readonly httpPath: string | null;
  readonly forceTLS: boolean;
  /** The owner's channel. */
  readonly channel: string;
  /** Where a page asks to enter the channel: an absolute path on the host that answered. */
  readonly authEndpoint: string;
}

/** Body of every error answer: RFC 9457, `application/problem+json`. */
export interface Problem {
  readonly type: 'about:blank';
  /** The name of the HTTP status. */
  readonly title: string;
  readonly status: number;
  /** One or two sentences for a person: what was expected, what came, what to do. */
  readonly detail: string;
  /** For programs. */
  readonly code: string;
  /** What is wrong with a refused input, and where. */
  readonly errors?: readonly Issue[];
}

/** The name of the event that carries `snapshot`. */
export function eventName(snapshot: Snapshot): TaskEventName {
  return `task.${snapshot.status}`;
}

/**
 * `snapshot` as JSON that fits one event. If the result makes it too big, the result is left out and `resultOmitted` is true.
 * Everything else in a snapshot is limited (limits.ts) and always fits.
 * @param maxBytes of UTF-8; default: the limit of hosted Pusher
 */
export function toEventData(snapshot: Snapshot, maxBytes = MAX_EVENT_BYTES): string {
  const whole = JSON.stringify(snapshot);
  // Bytes are never fewer than UTF-16 code units, so most texts that are too big need not be counted.
  const fits = whole.length <= maxBytes && utf8Length(whole) <= maxBytes;
  return fits ? whole : JSON.stringify(omitResult(snapshot));
}

/** Whether the whole outcome has to be fetched. */
export function isPartial(snapshot: Snapshot): snapshot is OutcomeSnapshot {
  return isFinished(snapshot) && snapshot.resultOmitted;
}

/** `snapshot` with the result that was left out of it. */
export function withResult(snapshot: OutcomeSnapshot, result: unknown): Snapshot {
  return snapshot.status === 'succeeded' ? { ...snapshot, result, resultOmitted: false } : snapshot;
}

/** `snapshot` without its result, and `resultOmitted`. */
export function omitResult(snapshot: Snapshot): Snapshot {
  if (snapshot.status !== 'succeeded') return snapshot;
  return { ...snapshot, result: null, resultOmitted: true };
}
