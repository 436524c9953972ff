/**
 * Times and durations in words. Times have the format of the reader's language and time zone; durations are English. `at` is an
 * ISO 8601 time, `now` the server's time in ms since 1970. Pure.
 */

import { ENGLISH } from '../../../client/headless/words/wording.ts';

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** The time on the clock, with the day if it is not the day of `now`. */
export function clockWords(at: string, now: number): string {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`;
}

/** Day and time in full, with the time zone. */
export const fullWords = (at: string): string => full.format(new Date(at));

/** How long ago, or in how long: "12 s ago", "in 3 min". */
export function agoWords(at: string, now: number): string {
  const seconds = Math.round((now - Date.parse(at)) / 1_000);
  if (Math.abs(seconds) < 2) return ENGLISH.justNow;
  const duration = ENGLISH.duration(Math.abs(seconds));
  return seconds > 0 ? `${duration} ago` : `in ${duration}`;
}

/** A run time: "0.4 s", "12 s", "3 min". */
export function secondsWords(seconds: number): string {
  return seconds < 10 ? `${Number(seconds.toFixed(seconds < 1 ? 2 : 1))} s` : ENGLISH.duration(Math.round(seconds));
}

/** From one time to another: "1 min". */
export function betweenWords(from: string, to: string): string {
  return secondsWords(Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000);
}
