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
}

type Level = keyof Log;

const MAX_MESSAGE_LENGTH = 2_000;

/** One line each on standard error, fields as JSON. */
export const consoleLog: Log = eachLevel((level) => (message, fields) => write(level, message, fields));

/**
 * Wraps an application's `log`, so that logging neither fails nor floods. A message becomes one line, fields become plain and
 * small, and what `log` throws or rejects with is dropped.
 */
export function guardLog(log: Log): Log {
  return eachLevel((level) => (message, fields) => {
    try {
      const said: unknown = log[level](toLine(message), ...(fields ? [toFields(fields)] : []));
      // It may be an async function. Nobody awaits it, so nobody else would catch what it rejects with.
      Promise.resolve(said).catch(() => undefined);
    } catch {
      // It is the application's own log. There is no other place to say so.
    }
  });
}

function eachLevel(make: (level: Level) => Log[Level]): Log {
  return { info: make('info'), warn: make('warn'), error: make('error') };
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

/** Logs once that a part is away, since when, and once that it is back, instead of once for each failed call. */
export class Outage {
  readonly #log: Log;
  readonly #what: string;
  readonly #calm: number;
  /** The kinds of failure that were logged in this outage. */
  readonly #said = new Set<string>();
  #since: number | null = null;
  #wellSince: number | null = null;
  #failures = 0;

  /** @param calm how long it must work without a failure to count as back, in ms */
  constructor(log: Log, what: string, calm = 0) {
    this.#log = log;
    this.#what = what;
    this.#calm = calm;
  }

  /** When it began, in ms since the epoch, or null while all is well. */
  get since(): number | null {
    return this.#since;
  }

  /** @param how the kind of failure; each is logged once in an outage */
  failed(reason: string, how = 'does not answer'): void {
    this.#failures += 1;
    this.#wellSince = null;
    this.#since ??= Date.now();
    if (this.#said.has(how)) return;
    this.#said.add(how);
    this.#log.warn(`${this.#what} ${how}: ${reason}`, { since: new Date(this.#since).toISOString() });
  }

  succeeded(): void {
    if (this.#since === null) return;
    this.#wellSince ??= performance.now();
    if (performance.now() - this.#wellSince < this.#calm) return;
    const fields = { since: new Date(this.#since).toISOString(), failures: this.#failures };
    this.#since = null;
    this.#wellSince = null;
    this.#failures = 0;
    this.#said.clear();
    this.#log.info(`${this.#what} answers again`, fields);
  }
}
