/** The error for a request that would be refused again if it were repeated. It serves the demo's routes and checks. */

import { TaskError } from 'inloop';

/** @param message for the user: what was expected, what came, what to do */
export function refusal(code: string, status: number, message: string): TaskError {
  return new TaskError(code, message, { retryable: false, status });
}
