/**
 * Makes the events that the publisher sends, and turns them into the form that the bus takes. It also names the kinds and
 * fates by which events are counted. It serves the publisher.
 */

import { channelOf } from '../../core/channel.ts';
import { MAX_EVENT_BYTES } from '../../core/limits.ts';
import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';
import { DISMISSED_EVENT, eventName, SEEN_EVENT, SESSION_EVENT, type SeenEvent, toEventData } from '../../core/wire.ts';
import type { PushSpan } from '../events/tracing.ts';
import type { BusEvent } from './bus/bus.ts';
import type { OutboxEvent } from './outbox.ts';

/**
 * The most plain data that fits an event once it is encrypted, in bytes: 7,619 of 10,240. It travels as
 * `{"nonce":"…","ciphertext":"…"}`. That takes 60 bytes, with the nonce of 24 bytes as 32 characters of base64. The
 * other 10,180 hold 7,635 bytes in base64, of which the cipher takes 16 for its tag.
 */
const MAX_ENCRYPTED_EVENT_BYTES = Math.floor((MAX_EVENT_BYTES - 60) / 4) * 3 - 16;
/**
 * How many ids one event about several tasks holds: 192. An id takes 39 bytes with quotes and comma, and 100 bytes are left
 * for the rest of the event. An owner may mark 1,000 outcomes as seen in one call, so that takes 6 events.
 */
const MAX_IDS_PER_EVENT = Math.floor((MAX_ENCRYPTED_EVENT_BYTES - 100) / 39);

/** What an event is about, for the counts. A running task is `running` until it has progress, then `progress`. */
export const EVENT_KINDS = [
  'queued',
  'running',
  'progress',
  'retrying',
  'cancelling',
  'outcome',
  'seen',
  'dismissed',
  'session',
] as const;
/** See {@link EVENT_KINDS}. */
export type EventKind = (typeof EVENT_KINDS)[number];

/** What became of an event, for the counts: the bus took it, a newer one of its task took its place, or it was given up. */
export const EVENT_FATES = ['sent', 'merged', 'dropped'] as const;
/** See {@link EVENT_FATES}. */
export type EventFate = (typeof EVENT_FATES)[number];

/** An event as the publisher holds it until it is sent. */
export interface PushEvent extends OutboxEvent {
  readonly kind: EventKind;
  readonly name: string;
  /**
   * An outcome waits as the text that is sent: at most 10 KB, while its snapshot may have a result of 256 KB. Any other
   * snapshot becomes text when it is sent, since most are replaced by newer ones before.
   */
  readonly content: Snapshot | string;
  /** Its span in the trace of its task, if it gets one. */
  readonly span?: PushSpan | null | undefined;
}

/**
 * An event for nobody, sent to find out whether the bus takes events. A call that only reads would not show that, since a
 * bus answers it even when the quota for events is used up. The channel is private, so that nobody can listen.
 */
export const PROBE: BusEvent = { channel: 'private-inloop-probe', name: 'inloop.probe', data: '{}' };

/** The event that pushes a snapshot. */
export function snapshotEvent(snapshot: Snapshot, isEncrypted: boolean, span?: PushSpan | null): PushEvent {
  const isUrgent = isFinished(snapshot);
  return {
    key: snapshot.id,
    kind: kindOf(snapshot),
    name: eventName(snapshot),
    revision: snapshot.revision,
    content: isUrgent ? toData(snapshot, isEncrypted) : snapshot,
    isUrgent,
    span,
  };
}

/**
 * The events that tell which outcomes were seen.
 * @param nextNumber returns a new number at each call, for the events' keys
 */
export function seenEvents({ ids, seenAt }: SeenEvent, nextNumber: () => number): PushEvent[] {
  return eventsAbout(ids, (some) => ({ kind: 'seen', name: SEEN_EVENT, data: { ids: some, seenAt } }), nextNumber);
}

/**
 * The events that tell which tasks were removed.
 * @param nextNumber returns a new number at each call, for the events' keys
 */
export function dismissedEvents(ids: readonly string[], nextNumber: () => number): PushEvent[] {
  return eventsAbout(ids, (some) => ({ kind: 'dismissed', name: DISMISSED_EVENT, data: { ids: some } }), nextNumber);
}

/** The event that tells of the end of a session. Urgent: a page may still show tasks of a user who has signed out. */
export function sessionEvent(): PushEvent {
  return { key: 'session', kind: 'session', name: SESSION_EVENT, revision: 0, content: '{}', isUrgent: true };
}

/** An event as the bus takes it. @throws TaskError `invalid_owner` */
export function toBusEvent(owner: string, event: PushEvent, isEncrypted: boolean): BusEvent {
  const { name, content } = event;
  return {
    channel: channelOf(owner, { encrypted: isEncrypted }),
    name,
    data: typeof content === 'string' ? content : toData(content, isEncrypted),
  };
}

/** The id of an event's task; null if the event is not about a task. */
export function taskOf({ kind, key }: PushEvent): string | null {
  return kind === 'seen' || kind === 'dismissed' || kind === 'session' ? null : key;
}

/** All counts at 0. */
export function zeroCounts(): Record<EventKind, Record<EventFate, number>> {
  const zeros = () => Object.fromEntries(EVENT_FATES.map((fate) => [fate, 0])) as Record<EventFate, number>;
  return Object.fromEntries(EVENT_KINDS.map((kind) => [kind, zeros()])) as Record<EventKind, Record<EventFate, number>>;
}

/** As many events as it takes to name all `ids`. */
function eventsAbout(
  ids: readonly string[],
  make: (some: readonly string[]) => { readonly kind: EventKind; readonly name: string; readonly data: object },
  nextNumber: () => number,
): PushEvent[] {
  const events: PushEvent[] = [];
  for (let start = 0; start < ids.length; start += MAX_IDS_PER_EVENT) {
    const { kind, name, data } = make(ids.slice(start, start + MAX_IDS_PER_EVENT));
    const content = JSON.stringify(data);
    events.push({ key: `${kind}:${nextNumber()}`, kind, name, revision: 0, content, isUrgent: false });
  }
  return events;
}

function toData(snapshot: Snapshot, isEncrypted: boolean): string {
  return toEventData(snapshot, isEncrypted ? MAX_ENCRYPTED_EVENT_BYTES : MAX_EVENT_BYTES);
}

function kindOf(snapshot: Snapshot): EventKind {
  if (isFinished(snapshot)) return 'outcome';
  return snapshot.status === 'running' && snapshot.progress !== null ? 'progress' : snapshot.status;
}
