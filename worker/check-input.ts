/** Which input a handler gets. It serves the attempt. */

import type { TaskRecord } from '../backend/store/record.ts';
import type { AnyTaskDefinition } from '../core/definition.ts';
import { TaskError } from '../core/error.ts';
import { parseWith } from '../core/parse.ts';

/**
 * The input as it was parsed when the task was accepted, so that a default like `() => randomUUID()` is the same in each
 * attempt. What the request held is parsed again, since the schema of this worker may be newer than the server's was.
 * @throws TaskError `invalid_input`, not retryable, where it no longer fits. Its message is for the owner, its issues are
 *   for the log.
 */
export async function checkInput(definition: AnyTaskDefinition, { input, raw }: TaskRecord): Promise<unknown> {
  // What the request held was no JSON, so it was not kept.
  if (raw === undefined) return input;
  try {
    const parsed = await parseWith(definition.input, raw, 'invalid_input', 'The input');
    // If the schema changed nothing the first time, parsing once more changes nothing either, unless the schema is newer.
    // Then a default that it adds is there. Records that inloop 0.1.0 stored are parsed only here.
    return raw === input ? parsed : input;
  } catch (error) {
    if (!(error instanceof TaskError && error.code === 'invalid_input')) throw error;
    throw new TaskError(
      'invalid_input',
      'This task was asked for with an older version of the application, and can no longer be done. Start a new one.',
      { retryable: false, issues: error.issues.length > 0 ? error.issues : [{ path: [], message: 'was refused' }] },
    );
  }
}
