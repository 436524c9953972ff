// Collects what goes wrong inside a browser during a test: console errors, breaches of the Content-Security-Policy, uncaught
// errors. For end-to-end tests.
import type { BrowserContext, Page } from 'playwright-core';

/** Chromium's console messages about lost connections. They are expected while a part of the stack is down. */
const LOST_CONNECTION =
  /net::ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED|INCOMPLETE_CHUNKED_ENCODING)|WebSocket connection to .* failed/;

/** Collects faults. A test names the faults that it expects; any other fault fails it. */
export class BrowserFaults {
  readonly #found: string[] = [];
  readonly #expected: RegExp[] = [];

  /** Everything unexpected so far. */
  get found(): readonly string[] {
    return this.#found;
  }

  /** From now on, faults that match `pattern` are expected. */
  expect(pattern: RegExp): void {
    this.#expected.push(pattern);
  }

  /** From now on a part is down, so lost connections and answers of 502 to 504 are expected. */
  expectOutage(): void {
    this.expect(LOST_CONNECTION);
    this.expect(/the server responded with a status of 50[234]/);
  }

  /** Listens to every page of `context`. Call it before the context has pages. */
  async watch(context: BrowserContext): Promise<void> {
    await context.exposeFunction('reportViolation', (text: string) => this.#add(`policy: ${text}`));
    await context.addInitScript(() => {
      const { reportViolation } = globalThis as unknown as { reportViolation(text: string): void };
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        reportViolation(`${violatedDirective} ${blockedURI}`);
      });
    });
    context.on('page', (page) => this.#listen(page));
  }

  #listen(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error') this.#add(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => this.#add(`uncaught: ${error.stack ?? error.message}`));
    page.on('crash', () => this.#add('the page crashed'));
  }

  #add(text: string): void {
    if (!this.#expected.some((pattern) => pattern.test(text))) this.#found.push(text);
  }
}
