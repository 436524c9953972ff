// What went wrong inside a browser during a test: console errors, broken policies, errors nobody caught. For end-to-end tests.
import type { BrowserContext, Page } from 'playwright-core';

/** Lost connections, as Chromium words them on the console: expected while a part of the stack is down. */
const LOST_CONNECTION =
  /net::ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED|INCOMPLETE_CHUNKED_ENCODING)|WebSocket connection to .* failed/;

/** Collects faults; what a test expects has to be named, the rest fails it. */
export class BrowserFaults {
  readonly #found: string[] = [];
  readonly #expected: RegExp[] = [];

  /** Everything unexpected so far. */
  get found(): readonly string[] {
    return this.#found;
  }

  /** From now on, faults that match are none. */
  expect(pattern: RegExp): void {
    this.#expected.push(pattern);
  }

  /** From now on a part is down, so lost connections and answers of 502 to 504 are no faults. */
  expectOutage(): void {
    this.expect(LOST_CONNECTION);
    this.expect(/the server responded with a status of 50[234]/);
  }

  /** Listens to every page of `context`, from its start on. */
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
