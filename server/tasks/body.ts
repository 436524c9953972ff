/** What an Idempotency-Key stands for. It serves `start`, which compares a repeated request with the first one. */

import { serialize } from 'node:v8';
import type { ParsedInput } from '../../core/parse.ts';

/**
 * One text for inputs that are the same. It is made of what came: a schema's defaults, like `() => randomUUID()`, are
 * others each time. What came need not be JSON, since the server's own code may pass a Date. Never throws.
 */
export function bodyOf(raw: unknown, { text, raw: came }: ParsedInput): string {
  if (came !== '') return came ?? text;
  try {
    return serialize(raw).toString('base64');
  } catch {
    // A function in it, or a proxy. What the schema made of it is the next best.
    return text;
  }
}
