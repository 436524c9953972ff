/** What the publisher sends: each kind of event as it waits, as it travels, and as it is counted. */

import { channelOf } from '../../core/channel.ts';
import { MAX_EVENT_BYTES } from '../../core/limits.ts';
import { isFinished, type Snapshot } from '../../core/snapshot.ts';
import { eventName, SEEN_EVENT, SESSION_EVENT, type SeenEvent, toEventData } from '../../core/wire.ts';
import type { BusEvent } from './bus.ts';
import type { OutboxEvent } from './outbox.ts';

/**
 * What of 10,240 bytes is left for plain data once it is encrypted. It travels as `{"nonce":"…","ciphertext":"…"}`,
 * which takes 60 bytes with the 24 bytes of nonce in base64; the data grow by a tag of 16 bytes, then to 4/3 in base64.
 */
const MAX_ENCRYPTED_EVENT_BYTES = Math.floor((MAX_EVENT_BYTES - 60) / 4) * 3 - 16;
/** An id takes 39 bytes. A `seen` call may name more than one event holds, encrypted least of all. */
const MAX_SEEN_IDS_PER_EVENT = Math.floor((MAX_ENCRYPTED_EVENT_BYTES - 100) / 39);

/** What an event tells, for the counts: a running task's news is `progress` as soon as it has any. */
export const EVENT_KINDS = [
  'queued',
  'running',
  'progress',
  'retrying',
  'cancelling',
  'outcome',
  'seen',
  'session',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** What became of events: the bus took it; a newer one of its task took its place; it was given up. */
export const EVENT_FATES = ['sent', 'merged', 'dropped'] as const;
export type EventFate = (typeof EVENT_FATES)[number];

export interface PushEvent extends OutboxEvent {
  readonly kind: EventKind;
  readonly name: string;
  /** Outcomes wait as the text that is sent: their results may be far bigger. Progress is turned into text only if it is. */
  readonly content: Snapshot | string;
}

/**
 * Asks whether the bus takes events, by sending one that nobody gets: a quota refuses events, and may answer other
 * questions all the same. Private, so that nobody can listen.
 */
export const PROBE: BusEvent = { channel: 'private-inloop-probe', name: 'inloop.probe', data: '{}' };

/** A snapshot. */
export function snapshotEvent(snapshot: Snapshot, isEncrypted: boolean): PushEvent {
  const isUrgent = isFinished(snapshot);
  return {
    key: snapshot.id,
    kind: kindOf(snapshot),
    name: eventName(snapshot),
    revision: snapshot.revision,
    content: isUrgent ? toData(snapshot, isEncrypted) : snapshot,
    isUrgent,
  };
}

/** What was seen, in as many events as it takes. `number` gives each a key of its own. */
export function seenEvents({ ids, seenAt }: SeenEvent, number: () => number): PushEvent[] {
  const events: PushEvent[] = [];
  for (let start = 0; start < ids.length; start += MAX_SEEN_IDS_PER_EVENT) {
    const event: SeenEvent = { ids: ids.slice(start, start + MAX_SEEN_IDS_PER_EVENT), seenAt };
    events.push({
      key: `seen:${number()}`,
      kind: 'seen',
      name: SEEN_EVENT,
      revision: 0,
      content: JSON.stringify(event),
      isUrgent: false,
    });
  }
  return events;
}

/** That a session has ended. Not held back: a page may show what its user must not see any more. */
export function sessionEvent(): PushEvent {
  return { key: 'session', kind: 'session', name: SESSION_EVENT, revision: 0, content: '{}', isUrgent: true };
}

/** An event as the bus takes it. */
export function toBusEvent(owner: string, event: PushEvent, isEncrypted: boolean): BusEvent {
  const { name, content } = event;
  return {
    channel: channelOf(owner, { encrypted: isEncrypted }),
    name,
    data: typeof content === 'string' ? content : toData(content, isEncrypted),
  };
}

/** All counts at 0. */
export function noEvents(): Record<EventKind, Record<EventFate, number>> {
  const none = () => Object.fromEntries(EVENT_FATES.map((fate) => [fate, 0])) as Record<EventFate, number>;
  return Object.fromEntries(EVENT_KINDS.map((kind) => [kind, none()])) as Record<EventKind, Record<EventFate, number>>;
}

function toData(snapshot: Snapshot, isEncrypted: boolean): string {
  return toEventData(snapshot, isEncrypted ? MAX_ENCRYPTED_EVENT_BYTES : MAX_EVENT_BYTES);
}

function kindOf(snapshot: Snapshot): EventKind {
  if (isFinished(snapshot)) return 'outcome';
  return snapshot.status === 'running' && snapshot.progress !== null ? 'progress' : snapshot.status;
}
