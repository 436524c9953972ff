/** The log for the operator. It serves backend, server and worker. */

import { cut } from '../../core/values/text.ts';
import { printable } from './printable.ts';

/**
 * Takes one line and its fields. A message has at most 2,000 characters. Fields are plain data that JSON can hold, with errors
 * as text. A field that would take more than 16,000 characters of JSON is cut, and becomes a text. A log never gets a secret, a
 * signature or an input. Errors that it throws are ignored.
 */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** What was dropped, refused or ignored, and why. Leave it out, and no such line is made. */
  debug?(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

type Level = keyof Log;
type Write = NonNullable<Log[Level]>;

const MAX_MESSAGE_LENGTH = 2_000;

/** Writes lines to standard error, with the fields as JSON. Writes debug lines only if `INLOOP_DEBUG=1` is set. */
export const consoleLog: Log = createConsoleLog(process.env);

/** {@link consoleLog} in another environment. */
export function createConsoleLog(env: Readonly<Record<string, string | undefined>>): Log {
  return buildLog((level) => (message, fields) => write(level, message, fields), env.INLOOP_DEBUG === '1');
}

/**
 * Wraps an application's `log`, so that logging neither fails nor floods. A message becomes one line, fields become plain and
 * small, and errors that `log` throws or rejects with are ignored.
 */
export function guardLog(log: Log): Log {
  const guard = (level: Level): Write => {
    return (message, fields) => {
      try {
        const result: unknown = log[level]?.(toLine(message), ...(fields ? [toFields(fields)] : []));
        // `log` may be async. Nobody awaits it, so its rejection must be caught here.
        Promise.resolve(result).catch(() => undefined);
      } catch {
        // The log itself fails, so there is no place to log that.
      }
    };
  };
  return buildLog(guard, typeof log.debug === 'function');
}

/** A log whose function for each level is what `make` returns for it. */
function buildLog(make: (level: Level) => Write, hasDebug: boolean): Log {
  const log: Log = { info: make('info'), warn: make('warn'), error: make('error') };
  return hasDebug ? { ...log, debug: make('debug') } : log;
}

function write(level: Level, message: string, fields: Readonly<Record<string, unknown>> | undefined): void {
  const tail = fields && Object.keys(fields).length > 0 ? ` ${JSON.stringify(toFields(fields))}` : '';
  console.error(`inloop ${level}: ${toLine(message)}${tail}`);
}

/** Replaces control characters. A line break from somebody else's text would look like a log line of its own. */
function toLine(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get through
  return cut(message.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' '), MAX_MESSAGE_LENGTH);
}

function toFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, printable(value)]])),
  );
}
