/** Compares lists by their elements, so that unchanged ones are not drawn or computed again. Pure. */

/** Whether two lists hold the same things in the same order. */
export function isSameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
