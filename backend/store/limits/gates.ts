/** The gate of a task: its concurrency key, and how it is kept (gate-scripts.ts). It serves everything that starts tasks. */

import { createHash } from 'node:crypto';
import type { WhenBusy } from '../../../core/tasks/concurrency.ts';
import type { AnyTaskDefinition } from '../../../core/tasks/definition.ts';

/** The concurrency key of one task, and the rules for it. */
export interface TaskGate {
  /** A text that is the same for tasks of the definition that count together. */
  readonly key: string;
  /** How many may be at work at once. */
  readonly limit: number;
  readonly whenBusy: WhenBusy;
}

/**
 * The gate of a new task; null if its definition has no `concurrency`.
 * @throws what its function `key` throws; ConfigError `invalid_definition` if that returns no text of 1 to 1,024 characters
 */
export function gateOf({ concurrency }: AnyTaskDefinition, input: unknown, owner: string): TaskGate | null {
  if (!concurrency) return null;
  const { limit, whenBusy } = concurrency;
  return { key: concurrency.keyOf(input, owner), limit, whenBusy };
}

/** The name of a gate. It has a hash of the key, because the key may be long and hold any character. */
export function gateName(definition: string, key: string): string {
  return `${definition}:${createHash('sha256').update(key).digest('base64url')}`;
}
