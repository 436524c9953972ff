// Looks for what no answer and no log line may hold: secrets, signatures, traces of the stack.

/** `auth_signature=…` of a signed call to the bus; a line of a stack trace. */
const SIGNATURE = /auth_signature=[0-9a-f]{32}/;
const TRACE = /\n\s+at .{1,200}:\d+:\d+/;

export class Leaks {
  looked = 0;
  readonly found: string[] = [];
  #secrets: string[] = [];

  /** From now on these are looked for. */
  keep(secrets: readonly string[]): void {
    this.#secrets = [...this.#secrets, ...secrets].filter((secret) => secret.length >= 8);
  }

  /** An answer: nothing of the inside may be in it. */
  look(what: string, text: string): void {
    this.#search(what, text, true);
  }

  /** A line of a log: it may tell where something failed, but no secret. */
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
