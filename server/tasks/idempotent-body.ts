/** Makes the text by which two requests with the same Idempotency-Key are compared. It serves `start`. */

import { serialize } from 'node:v8';
import type { ParsedInput } from '../../core/values/parse.ts';

/**
 * A text that is equal for equal inputs. It is made of the raw input: in the parsed one, defaults of the schema such as
 * `() => randomUUID()` differ each time. The raw input need not be JSON: the server's own code may pass a Date. Never throws.
 */
export function bodyOf(raw: unknown, { text, raw: rawJson }: ParsedInput): string {
  // '' means that the raw input is not JSON, and null that its JSON is `text`.
  if (rawJson !== '') return rawJson ?? text;
  try {
    return serialize(raw).toString('base64');
  } catch {
    // It contains a function or a proxy, so the parsed input is compared instead.
    return text;
  }
}
