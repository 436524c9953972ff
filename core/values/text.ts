/** Text helpers that need neither Node nor a DOM. */

/** The length of `text` in bytes of UTF-8. Lone surrogates count as the three bytes of U+FFFD that replace them. */
export function utf8Length(text: string): number {
  // One byte for each UTF-16 code unit. The loop adds what is missing: a pair of units takes four bytes.
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (isPair(text, i)) {
      bytes += 2;
      i++;
    } else bytes += 2;
  }
  return bytes;
}

/**
 * `text` cut to at most `max` UTF-16 code units, with an ellipsis if it was cut. Halves of surrogate pairs become U+FFFD:
 * JSON parsers of other languages would refuse them, and with them the whole list of tasks.
 */
export function cut(text: string, max: number): string {
  // The ellipsis takes one unit. A pair that the cut would split is left out whole.
  const end = isPair(text, max - 2) ? max - 2 : max - 1;
  const short = text.length <= max ? text : `${text.slice(0, end)}…`;
  // With the `u` flag this matches only halves that are not part of a pair.
  return short.replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** What `value` is, in a few words for an error message: `"soon"`, `2.5`, `null`, `a function`. Never throws. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(cut(value, 80));
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return 'a BigInt';
    case 'object':
      return value === null ? 'null' : isList(value) ? 'a list' : 'an object';
    default:
      return `a ${typeof value}`;
  }
}

function isList(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    // A proxy that was revoked.
    return false;
  }
}

function isPair(text: string, index: number): boolean {
  const high = text.charCodeAt(index);
  const low = text.charCodeAt(index + 1);
  return high >= 0xd800 && high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
}
