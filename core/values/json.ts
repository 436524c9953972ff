/**
 * Writes values as JSON, and refuses those that JSON would change. It serves the server (inputs) and the worker (results,
 * checkpoints): either a value comes out of JSON exactly as it went in, or there is an error that names the property.
 *
 * Accepted: null, booleans, finite numbers (-0 becomes 0), texts, arrays, and plain objects (of any realm, with or
 * without a prototype). A property that is undefined is left out, because schemas with optional fields make such properties.
 *
 * Refused, because `JSON.stringify` drops it, changes it, or throws an error: a BigInt, a function, a symbol (as a key too),
 * undefined in an array, NaN, Infinity, a hole or a named property of an array, an instance of any class (Date, Map, Set,
 * Buffer, Error, a class of the application, with or without `toJSON`), a circular reference, a property that throws when
 * it is read. Also refused: what is nested deeper than {@link MAX_JSON_DEPTH}.
 */

import { MAX_JSON_DEPTH } from '../limits.ts';
import { cut, utf8Length } from './text.ts';

/** Why a value is refused, and which property is the first reason. */
export interface JsonFault {
  /** `too_large`: more bytes than allowed; `too_deep`: nested too deep; `not_json`: would be lost or changed. */
  readonly kind: 'not_json' | 'too_deep' | 'too_large';
  /** Where the property is: keys and indexes from the root, empty for the root itself and always for `too_large`. */
  readonly path: readonly (string | number)[];
  /** What the property is and what to do, without its value: `is a Date. Give its toISOString()`. */
  readonly message: string;
}

/** The text, or why there is none. */
export type JsonOutcome =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: JsonFault };

const ADVICE: Readonly<Record<string, string>> = {
  BigInt: 'Give it as a text or a number',
  Date: 'Give its toISOString()',
  Map: 'Give Object.fromEntries(map)',
  Set: 'Give [...set]',
  Promise: 'Await it',
  Error: 'Give its message',
  Buffer: 'Give a text, for example toString("base64")',
  Uint8Array: 'Give a text, for example in base64',
};
const CLASS_ADVICE = 'Give a plain object, for example { ...it }';

/** An array or object whose parts are being written. */
interface Frame {
  readonly source: object;
  /** Null for an array. */
  readonly keys: readonly string[] | null;
  readonly length: number;
  /** The index of the part to write next. */
  next: number;
  /** Whether no part was written yet, so that the next one needs no comma. */
  isEmpty: boolean;
}

/**
 * `value` as JSON text, or the first reason why it is refused. Each property is read once, so what is written is what was
 * checked. Never throws. A huge value takes no longer than one that is slightly too large.
 * @param maxBytes of UTF-8
 */
export function toJson(value: unknown, maxBytes: number): JsonOutcome {
  const frames: Frame[] = [];
  try {
    return { ok: true, text: write(value, maxBytes, frames) };
  } catch (error) {
    const isKnown = error instanceof Refused;
    const path = isKnown && error.kind === 'too_large' ? [] : frames.map(keyOf);
    return {
      ok: false,
      fault: isKnown
        ? { kind: error.kind, path, message: error.reason }
        : { kind: 'not_json', path, message: 'throws when it is read' },
    };
  }
}

/** Where `fault` is, for people: `people.0.born`; or `the value itself`. */
export function placeOf(fault: Pick<JsonFault, 'path'>): string {
  return fault.path.length === 0 ? 'the value itself' : fault.path.map((key) => cut(String(key), 100)).join('.');
}

/** What {@link write} throws and {@link toJson} catches. Not an Error, which would cost a stack trace. */
class Refused {
  readonly kind: JsonFault['kind'];
  readonly reason: string;

  constructor(kind: JsonFault['kind'], reason: string) {
    this.kind = kind;
    this.reason = reason;
  }
}

function tooLarge(): Refused {
  return new Refused('too_large', 'is too large');
}

/** Writes `root` without recursion: a value may be nested so deep that recursion, as in `JSON.stringify`, overflows the stack. */
function write(root: unknown, maxBytes: number, frames: Frame[]): string {
  /** The sources of all frames. An object that is among them contains itself. */
  const within = new Set<object>();
  let text = '';
  // Each character takes at least one byte. So it is enough to count bytes once, at the end.
  const add = (part: string) => {
    text += part;
    if (text.length > maxBytes) throw tooLarge();
  };
  const open = (value: unknown) => {
    const plain = primitiveText(value, maxBytes - text.length);
    if (plain !== null) return add(plain);
    const source = value as object;
    if (within.has(source)) throw new Refused('not_json', 'is a circular reference. Give an id instead');
    if (frames.length >= MAX_JSON_DEPTH)
      throw new Refused('too_deep', `is nested deeper than ${MAX_JSON_DEPTH} levels`);
    const frame = frameOf(source, maxBytes - text.length);
    within.add(source);
    frames.push(frame);
    add(frame.keys ? '{' : '[');
  };

  open(root);
  for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
    if (frame.next === frame.length) {
      frames.pop();
      within.delete(frame.source);
      add(frame.keys ? '}' : ']');
      continue;
    }
    frame.next += 1;
    const key = keyOf(frame);
    const value: unknown = frame.source[key as never];
    if (value === undefined && frame.keys) continue;
    const comma = frame.isEmpty ? '' : ',';
    frame.isEmpty = false;
    add(frame.keys ? `${comma}${JSON.stringify(key)}:` : comma);
    open(value);
  }
  if (utf8Length(text) > maxBytes) throw tooLarge();
  return text;
}

/** The key of the part that is being written. */
function keyOf({ keys, next }: Frame): string | number {
  return keys?.[next - 1] ?? next - 1;
}

/** The JSON of a value without parts; null for an array or an object. */
function primitiveText(value: unknown, maxBytes: number): string | null {
  switch (typeof value) {
    case 'string':
      // The length first, so that a text of 100 MB is not written only to be refused.
      if (value.length > maxBytes) throw tooLarge();
      return JSON.stringify(value);
    case 'number':
      if (Number.isFinite(value)) return JSON.stringify(value);
      throw new Refused('not_json', `is ${value}. Give null or a finite number`);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      return value === null ? 'null' : null;
    case 'bigint':
      throw new Refused('not_json', `is a BigInt. ${ADVICE.BigInt}`);
    case 'undefined':
      throw new Refused('not_json', 'is undefined. Give null');
    default:
      throw new Refused('not_json', `is a ${typeof value}`);
  }
}

function frameOf(source: object, maxBytes: number): Frame {
  if (Array.isArray(source)) {
    const { length } = source;
    // `[1,2,3]` has 2 × 3 - 1 bytes between the brackets. No element takes less, so an array that is too long is refused at once.
    if (2 * length - 1 > maxBytes) throw tooLarge();
    const keys = Object.keys(source);
    // Indexes come first, in order. So if there are `length` keys and the last is the last index, all of them are indexes.
    const isDense = keys.length === length && (length === 0 || keys[length - 1] === String(length - 1));
    if (!isDense) throw arrayFault(keys, length);
    return { source, keys: null, length, next: 0, isEmpty: true };
  }
  const prototype: unknown = Object.getPrototypeOf(source);
  // The prototype of a plain object has no prototype. That also holds for objects of other realms (node:vm, frames).
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    const name = classNameOf(prototype);
    const advice = Object.hasOwn(ADVICE, name) ? ADVICE[name] : CLASS_ADVICE;
    throw new Refused('not_json', `is ${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}. ${advice}`);
  }
  for (const symbol of Object.getOwnPropertySymbols(source)) {
    if (Object.prototype.propertyIsEnumerable.call(source, symbol)) {
      throw new Refused('not_json', 'has a symbol as a key. Give it a name');
    }
  }
  const keys = Object.keys(source);
  return { source, keys, length: keys.length, next: 0, isEmpty: true };
}

/** Why an array is refused whose keys are not exactly its indexes. */
function arrayFault(keys: readonly string[], length: number): Refused {
  const hole = Array.from({ length }, (_, i) => String(i)).findIndex((index, i) => keys[i] !== index);
  return hole >= 0
    ? new Refused('not_json', `has no element ${hole}. Give null for a hole`)
    : new Refused('not_json', `is an array with a property ${quote(keys[length])}. Give an object`);
}

function classNameOf(prototype: unknown): string {
  const name: unknown = (prototype as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === 'string' && name !== '' ? cut(name, 60) : 'class instance';
}

function quote(key: unknown): string {
  return JSON.stringify(cut(String(key), 60));
}
