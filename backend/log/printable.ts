/**
 * Turns any value into plain, small data for the log. It serves `log.ts`. Handlers throw all kinds of values: circular
 * objects, proxies, errors that hold a whole HTTP client. Logging them must neither fail nor flood the log.
 */

import { cut } from '../../core/values/text.ts';

// Limits that keep a line of the log readable. Where something is cut, the log shows it (`…`, `[object]`); only further causes
// of an error are left out without a sign.
/** How many levels of objects within objects are shown. */
const MAX_DEPTH = 4;
/** How many properties of an object, or items of a list, are shown. */
const MAX_KEYS = 20;
/** The longest text, in characters. */
const MAX_TEXT = 4_000;
/** An error, its cause, the cause of that one, and so on: at most this many errors together. */
const MAX_ERRORS = 5;
/** How many characters of JSON one value may become. A longer value is logged as a text, and cut. */
const MAX_CHARACTERS = 16_000;
/** How many characters of a property's name, or of a BigInt, are shown. */
const MAX_NAME = 100;
/** Keys whose values are likely secrets. For example, an HTTP client's error holds the headers of its request. */
const SECRET =
  /pass(word|wd|phrase)|secret|token|authorization|cookie|credential|api[-_]?key|private[-_]?key|signature/i;

type Printable = string | number | boolean | null | readonly Printable[] | { readonly [key: string]: Printable };

/**
 * `value` as plain data for JSON, without what looks like a secret. If the JSON has more than 16,000 characters, its first 16,000
 * as a text. Never throws.
 */
export function printable(value: unknown): Printable {
  const shown = show(value, MAX_DEPTH, new Set());
  const text = JSON.stringify(shown);
  return text.length <= MAX_CHARACTERS ? shown : cut(text, MAX_CHARACTERS);
}

/**
 * `value` as plain data, without the limit for the whole.
 * @param depth how many levels of objects may still be shown
 * @param within the objects that hold this value, to find circles
 */
function show(value: unknown, depth: number, within: Set<object>): Printable {
  switch (typeof value) {
    case 'string':
      return cut(value, MAX_TEXT);
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return cut(`${value}n`, MAX_NAME);
    case 'object':
      return value === null ? null : showObject(value, depth, within);
    case 'undefined':
      return 'undefined';
    default:
      return `[${typeof value}]`;
  }
}

function showObject(value: object, depth: number, within: Set<object>): Printable {
  if (within.has(value)) return '[circular]';
  try {
    if (isError(value)) return errorText(value);
    if (value instanceof Date) return String(value);
    if (depth === 0) return Array.isArray(value) ? '[list]' : '[object]';
    within.add(value);
    return Array.isArray(value) ? showList(value, depth, within) : showFields(value, depth, within);
  } catch {
    return '[unreadable]';
  } finally {
    within.delete(value);
  }
}

function showList(list: readonly unknown[], depth: number, within: Set<object>): Printable {
  const shown = Array.from({ length: Math.min(list.length, MAX_KEYS) }, (_, i) => show(list[i], depth - 1, within));
  return list.length > MAX_KEYS ? [...shown, `… ${list.length - MAX_KEYS} more`] : shown;
}

function showFields(value: object, depth: number, within: Set<object>): Printable {
  const shown: Record<string, Printable> = {};
  const keys = Object.keys(value);
  for (const key of keys.slice(0, MAX_KEYS)) {
    const name = cut(key, MAX_NAME);
    // Not by assignment, which would set the prototype for the key `__proto__`.
    Object.defineProperty(shown, name, { value: showField(value, key, depth, within), enumerable: true });
  }
  if (keys.length > MAX_KEYS) shown['…'] = `${keys.length - MAX_KEYS} more`;
  return shown;
}

function showField(value: object, key: string, depth: number, within: Set<object>): Printable {
  if (SECRET.test(key)) return '[hidden]';
  try {
    return show((value as Record<string, unknown>)[key], depth - 1, within);
  } catch {
    return '[unreadable]';
  }
}

function isError(value: unknown): value is Error {
  try {
    // Errors of another realm (node:vm) are not instances of this realm's `Error`.
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
  } catch {
    return false;
  }
}

/** The stacks of an error and of its causes, as far as they can be read. */
function errorText(error: Error): string {
  const texts: string[] = [];
  let current: unknown = error;
  for (let n = 0; n < MAX_ERRORS && current !== undefined && current !== null; n++) {
    texts.push(isError(current) ? stackOf(current) : String(show(current, 0, new Set())));
    current = typeof current === 'object' ? read(current, 'cause') : undefined;
  }
  return cut(texts.join('\ncaused by: '), MAX_TEXT);
}

function stackOf(error: Error): string {
  for (const key of ['stack', 'message']) {
    const text = read(error, key);
    // Half of the limit, so that there is space for a cause.
    if (typeof text === 'string' && text !== '') return cut(text, MAX_TEXT / 2);
  }
  return 'an error without a message';
}

function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}
