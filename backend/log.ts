/** Where inloop says what it has to say to the operator. */

/** Takes one line and what belongs to it. Must not throw. Never gets a secret, a signature or an input. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** One line each on standard error, fields as JSON. */
export const consoleLog: Log = {
  info: (message, fields) => write('info', message, fields),
  warn: (message, fields) => write('warn', message, fields),
  error: (message, fields) => write('error', message, fields),
};

function write(level: string, message: string, fields: Readonly<Record<string, unknown>> | undefined): void {
  const tail = fields && Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields, plainErrors)}` : '';
  console.error(`inloop ${level}: ${message}${tail}`);
}

function plainErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : value;
}

/** Says that a part is away once, with since when, and once that it is back: not once per failed call. */
export class Outage {
  readonly #log: Log;
  readonly #what: string;
  readonly #calm: number;
  /** What was said of it in this outage. */
  readonly #said = new Set<string>();
  #since: number | null = null;
  #wellSince: number | null = null;
  #failures = 0;

  /** @param calm how long it must have worked, without a failure in between, to count as back; in ms */
  constructor(log: Log, what: string, calm = 0) {
    this.#log = log;
    this.#what = what;
    this.#calm = calm;
  }

  /** When it began, in ms since the epoch, or null while all is well. */
  get since(): number | null {
    return this.#since;
  }

  /** @param how in what way it fails; each is said once an outage */
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
