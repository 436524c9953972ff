/**
 * The error for a mistake in how inloop is set up or called. It is for the developer or the operator. A TaskError, in
 * contrast, is for the owner of a task and may end up on their screen.
 */

/**
 * What is wrong:
 * - `invalid_options`: an option is wrong, or functions were called in the wrong order.
 * - `invalid_definition`: an option of `defineTask` is wrong.
 * - `invalid_duration`: a duration cannot be read, or is out of range.
 * - `invalid_environment`: an environment variable is missing or wrong.
 * - `invalid_dependency`: a package is installed in a version that inloop does not support.
 */
export type ConfigErrorCode =
  | 'invalid_options'
  | 'invalid_definition'
  | 'invalid_duration'
  | 'invalid_environment'
  | 'invalid_dependency';

/**
 * Something is set up wrongly. Trying again does not help. The message says what was expected, what came, and, if that is not
 * obvious, what to do. It contains no secret. If a request or a handler fails with this error, the owner of the task reads
 * only that something went wrong; the message is in the log.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  declare readonly code: ConfigErrorCode;

  constructor(code: ConfigErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
