/** Checks and chooses the input that a handler gets. It serves the attempt. */

import type { TaskRecord } from '../../backend/store/record.ts';
import { TaskError } from '../../core/error.ts';
import type { AnyTaskDefinition } from '../../core/tasks/definition.ts';
import { parseWith } from '../../core/values/parse.ts';

/**
 * The input as the server parsed it, so that a default like `() => randomUUID()` has the same value in each attempt. The
 * raw input is parsed again to check it, since the schema of this worker may be newer than the server's was.
 * @throws TaskError `invalid_input`, not retryable, if the raw input does not fit the schema. Its message is for the owner,
 *   its issues are for the log.
 */
export async function checkInput(definition: AnyTaskDefinition, { input, raw }: TaskRecord): Promise<unknown> {
  // The raw input was not JSON, so it was not stored.
  if (raw === undefined) return input;
  try {
    const parsed = await parseWith(definition.input, raw, 'invalid_input', 'The input');
    // `raw === input`: the server's schema changed nothing. Then the result of this parsing is used, since a newer schema may
    // add a default. Records of the trial version have only one input, so they come here, too.
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
