/** Reads the body of a webhook. It serves `bus.ts`, which has checked the signature. Pure. */

import { isObject } from '../../../core/values/options.ts';

/** A webhook as the bus signed it. */
export interface Webhook {
  /** When the bus sent it, in ms since 1970 by its clock. */
  readonly at: number;
  /** An event's name is, for example, `channel_occupied`. Its channel is null if the event is not about a channel. */
  readonly events: readonly { readonly name: string; readonly channel: string | null }[];
}

/** The webhook in `data`; null if `data` does not have its form. */
export function parseWebhook(data: unknown): Webhook | null {
  if (!isObject(data)) return null;
  const { time_ms: at, events } = data;
  if (typeof at !== 'number' || !Number.isFinite(at) || !Array.isArray(events)) return null;
  const parsed: { name: string; channel: string | null }[] = [];
  for (const event of events as readonly unknown[]) {
    if (!isObject(event) || typeof event.name !== 'string') return null;
    const { name, channel = null } = event;
    if (channel !== null && typeof channel !== 'string') return null;
    parsed.push({ name, channel });
  }
  return { at, events: parsed };
}
