/** Checks that the bytes of a stream are UTF-8 text. For read-csv.ts, which must know where the text ends. */

import { isUtf8 } from 'node:buffer';

/** Why bytes are not text: not UTF-8, or control characters that no text file has (NUL above all). */
export type TextFault = 'encoding' | 'control';

export interface TextCheck {
  /** How many bytes from the start are complete text characters. */
  readonly length: number;
  /** What is wrong after `length`. Null if nothing follows, or the start of a character that the next chunk may complete. */
  readonly fault: TextFault | null;
}

/** Checks the next bytes of a stream. Put what follows `length` before the next chunk. */
export function checkText(bytes: Buffer): TextCheck {
  const control = findControl(bytes);
  const clean = control === -1 ? bytes : bytes.subarray(0, control);
  const whole = wholeLength(clean);
  if (isUtf8(clean.subarray(0, whole))) {
    // A character that is cut by a control character can never be completed.
    if (control !== -1) return { length: whole, fault: whole < control ? 'encoding' : 'control' };
    return { length: whole, fault: null };
  }
  // Binary search: the first `good` bytes are text, the first `bad` bytes are not.
  let good = 0;
  let bad = whole;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8(clean.subarray(0, wholeLength(clean.subarray(0, middle))))) good = middle;
    else bad = middle;
  }
  return { length: wholeLength(clean.subarray(0, good)), fault: 'encoding' };
}

function findControl(bytes: Buffer): number {
  // Tab, line feed, vertical tab, form feed and carriage return are text.
  return bytes.findIndex((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x20));
}

/** The length without an incomplete character at the end. A UTF-8 character has at most four bytes, so three may be there. */
function wholeLength(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) break; // A character of one byte.
    if (byte < 0xc0) continue; // A later byte of a character.
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return back < needed ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
