// HTTP requests of an attacker: any header, any method, any bytes. Each answer is searched for secrets (leaks.ts).
import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** One request. */
export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Timeout in milliseconds. Default 10,000. */
  readonly limit?: number;
}

/** The answer. Its status is 0 when the connection was cut or timed out before an answer began. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Milliseconds until the answer. */
  readonly ms: number;
}

/** How much of an answer is kept, in characters. */
const KEPT_BODY = 5_000_000;

/** A multipart form with one file and no other field. */
export function fileForm(filename: string, content: string | Uint8Array): Call {
  const boundary = 'attack-boundary';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\nContent-Type: text/csv\r\n\r\n`;
  return {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([Buffer.from(head), Buffer.from(content as string), Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}

/** A JSON body. */
export function jsonBody(value: unknown, headers: Readonly<Record<string, string>> = {}): Call {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof value === 'string' ? value : JSON.stringify(value),
  };
}

/** Sends requests, and passes every answer to `onAnswer`; `what` is its method and path. */
export class Http {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #onAnswer: (what: string, answer: Answer) => void;

  constructor(onAnswer: (what: string, answer: Answer) => void) {
    this.#onAnswer = onAnswer;
  }

  /** Sends a request. Never rejects. */
  send(url: string, { method = 'GET', headers = {}, body, limit = 10_000 }: Call = {}): Promise<Answer> {
    const started = performance.now();
    return new Promise((resolve) => {
      const finish = (status: number, given: IncomingHttpHeaders, text: string): void => {
        const answer = { status, headers: given, body: text, ms: performance.now() - started };
        this.#onAnswer(`${method} ${new URL(url).pathname.slice(0, 80)}`, answer);
        resolve(answer);
      };
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body as string)) };
      const sent = request(url, { method, headers: { ...length, ...headers }, agent: this.#agent, timeout: limit });
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          if (text.length < KEPT_BODY) text += chunk;
        });
        response.on('close', () => finish(response.statusCode ?? 0, response.headers, text));
      });
      sent.on('timeout', () => sent.destroy());
      sent.on('error', () => finish(0, {}, ''));
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
