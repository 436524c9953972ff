/** The log for the operator. It serves backend, server and worker. */

import { cut } from '../core/text.ts';
import { printable } from './printable.ts';

/**
 * Takes one line and what belongs to it: plain data that JSON can hold, cut to a few thousand characters; errors as text.
 * Never gets a secret, a signature or an input. What it throws is dropped.
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

/** One line each on standard error, fields as JSON. Debug lines only where the environment has `INLOOP_DEBUG=1`. */
export const consoleLog: Log = createConsoleLog(process.env);

/** {@link consoleLog} in another environment. */
export function createConsoleLog(env: Readonly<Record<string, string | undefined>>): Log {
  return eachLevel((level) => (message, fields) => write(level, message, fields), env.INLOOP_DEBUG === '1');
}

/**
 * Wraps an application's `log`, so that logging neither fails nor floods. A message becomes one line, fields become plain and
 * small, and what `log` throws or rejects with is dropped.
 */
export function guardLog(log: Log): Log {
  const guard = (level: Level): Write => {
    return (message, fields) => {
      try {
        const said: unknown = log[level]?.(toLine(message), ...(fields ? [toFields(fields)] : []));
        // It may be an async function. Nobody awaits it, so nobody else would catch what it rejects with.
        Promise.resolve(said).catch(() => undefined);
      } catch {
        // It is the application's own log. There is no other place to say so.
      }
    };
  };
  return eachLevel(guard, typeof log.debug === 'function');
}

function eachLevel(make: (level: Level) => Write, hasDebug: boolean): Log {
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
