/** What a process counts of its pushes, as the flat list of numbers that metrics are made of. Pure. */

import type { EventName } from './events/event-map.ts';
import type { PublisherCounts } from './push/publisher.ts';
import type { EventFate } from './push/push-events.ts';

/** By name of the metric, since the process started. @param happened how often each named event has happened */
export function countersOf(
  { requests, failures, events }: PublisherCounts,
  happened: Readonly<Record<EventName, number>>,
): Record<string, number> {
  const sum = (fate: EventFate) => Object.values(events).reduce((total, fates) => total + fates[fate], 0);
  return {
    push_requests: requests,
    push_events: sum('sent'),
    push_failures: failures,
    push_dropped: sum('dropped'),
    push_merged: sum('merged'),
    tasks_without_worker: happened['task.without-worker'],
  };
}
