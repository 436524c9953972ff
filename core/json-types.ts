/** The types of what has been JSON: what the gate in json.ts does to values, said to the compiler. */

/** In place of a type that does not survive JSON; the message is what an editor shows. */
export interface NotJson<Message extends string> {
  readonly 'does not survive JSON': Message;
}

/**
 * `T` as the other side gets it. A type that survives JSON stays as it is; nothing (`undefined`, `void`) becomes null. In
 * the place of a Date, a Map, a function or the like stands {@link NotJson}, since at run time the gate refuses them.
 */
export type Jsonify<T> = unknown extends T
  ? T
  : [T] extends [Nothing]
    ? null
    : [T] extends [Written<T>]
      ? T
      : Written<T>;

type Nothing = ReturnType<() => void>;

/** Each part of `T` that does not survive, replaced. */
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

/** A property that is undefined is left out. */
type WrittenProperty<T> = T extends undefined ? T : Written<T>;
