/** Turns the counts of a process into a flat list of numbers, for metrics. It serves `Backend.counters`. Pure. */

import type { PublisherCounts } from '../push/publisher.ts';
import type { EventFate } from '../push/push-events.ts';
import type { EventName } from './event-map.ts';

/**
 * The counts of a process as one flat list.
 * @param happened how often each named event has happened
 * @returns counts since the process started, by the name of the metric
 */
export function countersOf(
  { requests, failures, bytes, events }: PublisherCounts,
  happened: Readonly<Record<EventName, number>>,
): Record<string, number> {
  const sum = (fate: EventFate) => Object.values(events).reduce((total, fates) => total + fates[fate], 0);
  return {
    push_requests: requests,
    push_events: sum('sent'),
    push_failures: failures,
    push_bytes: bytes,
    push_dropped: sum('dropped'),
    push_merged: sum('merged'),
    tasks_without_worker: happened['task.without-worker'],
  };
}
