/**
 * The error for a mistake in how inloop is set up or called. It is for the developer or the operator. A TaskError, in
 * contrast, is for the owner of a task and may end up on their screen.
 */

/**
 * - `invalid_options`: an option is wrong, or a function was called in the wrong order.
 * - `invalid_definition`: `defineTask` was given something else than it takes.
 * - `invalid_duration`: a duration cannot be read, or is out of range.
 * - `invalid_environment`: an environment variable is missing or wrong.
 * - `invalid_dependency`: a package is installed in another version than the one inloop is made for.
 */
export type ConfigErrorCode =
  | 'invalid_options'
  | 'invalid_definition'
  | 'invalid_duration'
  | 'invalid_environment'
  | 'invalid_dependency';

/**
 * Something is set up wrongly. Trying again does not help; the message says what was expected, what came, and where it
 * is not obvious, what to do. It holds no secret. Where a request or a handler throws one, the owner of the task reads
 * that something went wrong on our side, and the log has the message.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  declare readonly code: ConfigErrorCode;

  constructor(code: ConfigErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
