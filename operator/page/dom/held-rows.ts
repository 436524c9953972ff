/**
 * Which rows a table shows while somebody is about to use one. Nothing may move under a pointer or a focus. So while the rows are
 * held, they change in place, those that have left the list stay and are marked, and new ones wait. Pure.
 */

/** A row as it is shown. */
export interface ShownRow<Row> {
  readonly key: string;
  readonly row: Row;
  /** It is not in the list any more. */
  readonly isGone: boolean;
}

/** What a table shows. */
export interface HeldRows<Row> {
  readonly shown: readonly ShownRow<Row>[];
  /** How many rows wait to be shown. */
  readonly waiting: number;
}

/**
 * Decides which rows to show after the list has become `latest`.
 * @param before what is shown now
 * @param isHeld whether nothing may move now
 */
export function holdRows<Row>(
  before: readonly ShownRow<Row>[],
  latest: readonly Row[],
  keyOf: (row: Row) => string,
  isHeld: boolean,
): HeldRows<Row> {
  const all = latest.map((row) => ({ key: keyOf(row), row, isGone: false }));
  if (!isHeld || before.length === 0) return { shown: all, waiting: 0 };
  const byKey = new Map(all.map((shown) => [shown.key, shown]));
  const known = new Set(before.map(({ key }) => key));
  return {
    shown: before.map((shown) => byKey.get(shown.key) ?? { ...shown, isGone: true }),
    waiting: all.filter(({ key }) => !known.has(key)).length,
  };
}
