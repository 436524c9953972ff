/** Which gate a task has, of those that keep concurrency keys (gate-scripts.ts). It serves whoever starts a task, and create-task. */

import { createHash } from 'node:crypto';
import type { WhenBusy } from '../../../core/tasks/concurrency.ts';
import type { AnyTaskDefinition } from '../../../core/tasks/definition.ts';

/** The concurrency key of one task. */
export interface GateOf {
  /** A text that is the same for tasks of the definition that count together. */
  readonly key: string;
  /** How many may be at work at once. */
  readonly limit: number;
  readonly whenBusy: WhenBusy;
}

/** What a task of the definition has. Null if it makes no concurrency key. @throws what `key` throws, ConfigError `invalid_definition` */
export function gateOf({ concurrency }: AnyTaskDefinition, input: unknown, owner: string): GateOf | null {
  if (!concurrency) return null;
  const { limit, whenBusy } = concurrency;
  return { key: concurrency.keyOf(input, owner), limit, whenBusy };
}

/** The name of a gate: the definition's, and a hash of the key, which may be long and hold anything. */
export function gateName(definition: string, key: string): string {
  return `${definition}:${createHash('sha256').update(key).digest('base64url')}`;
}
