// Searches answers and log lines for secrets, signatures and stack traces.

/** The signature of a call to the bus. */
const SIGNATURE = /auth_signature=[0-9a-f]{32}/;
/** A line of a stack trace. */
const TRACE = /\n\s+at .{1,200}:\d+:\d+/;

/** What was searched, and what was found in it. One for the whole run. */
export class Leaks {
  /** How many texts were searched. */
  searched = 0;
  /** What was found: one line for each secret, signature or stack trace. */
  readonly found: string[] = [];
  #secrets: string[] = [];

  /** Adds secrets to search for. Those of fewer than 8 characters are left out: they would be found in ordinary text. */
  keep(secrets: readonly string[]): void {
    this.#secrets = [...this.#secrets, ...secrets].filter((secret) => secret.length >= 8);
  }

  /** Searches an answer: neither secrets nor stack traces are allowed. `what` names it. */
  searchAnswer(what: string, text: string): void {
    this.#search(what, text, true);
  }

  /** Searches a log line: a stack trace is allowed, a secret is not. */
  searchLog(what: string, text: string): void {
    this.#search(what, text, false);
  }

  #search(what: string, text: string, isAnswer: boolean): void {
    this.searched += 1;
    if (this.#secrets.some((secret) => text.includes(secret))) this.found.push(`a secret in ${what}`);
    if (SIGNATURE.test(text)) this.found.push(`a signed call in ${what}`);
    if (isAnswer && TRACE.test(text.replaceAll('\\n', '\n'))) this.found.push(`a stack trace in ${what}`);
  }
}
