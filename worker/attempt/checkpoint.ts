/**
 * Checks the checkpoints of a handler: what it gives to be stored, and what an earlier attempt has stored. It serves the attempt.
 *
 * Neither check ever fails the attempt. If a checkpoint is refused, the operator is told, and the one before stays. If a stored
 * one no longer fits its schema, the operator is told, and the attempt starts from the beginning. The values may be secret, so
 * no event and no log line has them.
 */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { EventMap } from '../../backend/events/event-map.ts';
import type { TaskRecord } from '../../backend/store/record.ts';
import { MAX_CHECKPOINT_BYTES } from '../../core/limits.ts';
import type { AnyTaskDefinition } from '../../core/tasks/definition.ts';
import { cutIssues } from '../../core/values/issues.ts';
import { toJson } from '../../core/values/json.ts';

/** Why a checkpoint is refused, and which of its properties are wrong. */
export interface CheckpointFault {
  readonly why: EventMap['checkpoint.refused']['why'];
  readonly faults: readonly unknown[];
}

/** A checkpoint as it is stored, in JSON; or why it is refused. Never throws. */
export function encodeCheckpoint({ checkpoint }: AnyTaskDefinition, value: unknown): string | CheckpointFault {
  const json = toJson(value, MAX_CHECKPOINT_BYTES);
  if (!json.ok) return { why: json.fault.kind, faults: cutIssues([json.fault]) };
  try {
    const outcome = (checkpoint as StandardSchemaV1 | null)?.['~standard'].validate(JSON.parse(json.text));
    // This function cannot wait for an asynchronous schema. Such a schema checks the checkpoint when it is read.
    if (outcome instanceof Promise) void outcome.catch(() => undefined);
    else if (outcome?.issues) return { why: 'invalid', faults: placesOf(outcome.issues) };
    return json.text;
  } catch {
    return { why: 'invalid', faults: [] };
  }
}

/** What `task.checkpointed` is: undefined if nothing was stored; a fault if that no longer fits its schema. Never rejects. */
export async function decodeCheckpoint(
  definition: AnyTaskDefinition,
  { checkpoint }: Pick<TaskRecord, 'checkpoint'>,
): Promise<{ readonly value: unknown } | CheckpointFault> {
  const schema: StandardSchemaV1 | null = definition.checkpoint;
  if (checkpoint === null || schema === null) return { value: checkpoint?.value };
  try {
    const outcome = await schema['~standard'].validate(checkpoint.value);
    return outcome.issues ? { why: 'outdated', faults: placesOf(outcome.issues) } : { value: outcome.value };
  } catch {
    return { why: 'outdated', faults: [] };
  }
}

/** Where the faults are. Their messages are left out, since a schema may put the value into them. */
function placesOf(issues: readonly StandardSchemaV1.Issue[]): unknown[] {
  return cutIssues(issues).map(({ path }) => path.join('.'));
}
