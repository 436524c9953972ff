// Searches answers and log lines for secrets, signatures and stack traces.

/** `auth_signature=…` of a signed call to the bus; a line of a stack trace. */
const SIGNATURE = /auth_signature=[0-9a-f]{32}/;
const TRACE = /\n\s+at .{1,200}:\d+:\d+/;

export class Leaks {
  looked = 0;
  readonly found: string[] = [];
  #secrets: string[] = [];

  /** Adds secrets to search for. */
  keep(secrets: readonly string[]): void {
    this.#secrets = [...this.#secrets, ...secrets].filter((secret) => secret.length >= 8);
  }

  /** Searches an answer: neither secrets nor stack traces are allowed. */
  look(what: string, text: string): void {
    this.#search(what, text, true);
  }

  /** Searches a log line: a stack trace is allowed, a secret is not. */
  lookAtLog(what: string, text: string): void {
    this.#search(what, text, false);
  }

  #search(what: string, text: string, isAnswer: boolean): void {
    this.looked += 1;
    if (this.#secrets.some((secret) => text.includes(secret))) this.found.push(`a secret in ${what}`);
    if (SIGNATURE.test(text)) this.found.push(`a signed call in ${what}`);
    if (isAnswer && TRACE.test(text.replaceAll('\\n', '\n'))) this.found.push(`a stack trace in ${what}`);
  }
}
