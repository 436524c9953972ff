/** What JSON makes of a type. The rules are those of `json.ts`, which checks values at run time. */

/** Replaces a type that does not survive JSON. An editor shows the message. */
export interface NotJson<Message extends string> {
  readonly 'does not survive JSON': Message;
}

/**
 * `T` as it comes out of JSON. A type that survives stays as it is; `undefined` and `void` become null. A Date, a Map, a
 * function and other types that are refused at run time become {@link NotJson}.
 */
export type Jsonify<T> = unknown extends T
  ? T
  : [T] extends [Nothing]
    ? null
    : [T] extends [Written<T>]
      ? T
      : Written<T>;

/** `void`. The linter allows this word only as the type that a function returns. */
type Nothing = ReturnType<() => void>;

/** `T` with {@link NotJson} in place of each part that does not survive. */
type Written<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null
    ? T
    : T extends bigint
      ? NotJson<'Give a bigint as a text or a number'>
      : T extends Date
        ? NotJson<'Give a Date as its toISOString()'>
        : T extends symbol | ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown)
          ? NotJson<'Functions and symbols are lost'>
          : T extends ReadonlyMap<unknown, unknown>
            ? NotJson<'Give a Map as Object.fromEntries(map)'>
            : T extends ReadonlySet<unknown>
              ? NotJson<'Give a Set as [...set]'>
              : T extends Nothing
                ? NotJson<'Give null'>
                : T extends readonly unknown[]
                  ? { [Index in keyof T]: Written<T[Index]> }
                  : { [Key in keyof T]: WrittenProperty<T[Key]> };

/** A property may be undefined: JSON leaves it out. */
type WrittenProperty<T> = T extends undefined ? T : Written<T>;
