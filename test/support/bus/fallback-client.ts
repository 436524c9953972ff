// A client of the HTTP fallback that can do what no browser does: read slowly, abort an answer, use another's session. For
// tests of the fallback itself; pusher-js is tested in Chromium.
import { Agent, type IncomingMessage, request } from 'node:http';
import { eventually } from '../eventually.ts';

let sequence = 0;

/** One request that receives messages, and its answer so far. */
export interface Reception {
  status: number;
  headers: IncomingMessage['headers'];
  /** Lines so far, without the prelude (`PRELUDE_LINE` in server/fallback/session/framing.ts). */
  readonly lines: string[];
  /** Characters so far, as pusher-js counts them. */
  length: number;
  /** Whether pusher-js would send a new request now: more than 256 × 1,024 characters came, and the last line is complete. */
  isFull: boolean;
  /** Whether the answer is complete, or was cut. */
  isOver: boolean;
  /** Stops reading: what the server sends then waits in the network. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Cuts the connection. */
  abort(): void;
}

/** A session, as one client sees it. */
export class FallbackClient {
  /** The part of its URLs that names the session, as pusher-js makes it: `<0 to 999>/<8 characters>`. */
  readonly session = `${sequence % 1_000}/${`session${(sequence++).toString(32)}`.padEnd(8, '0').slice(-8)}`;
  /** Messages in the order of their arrival, over all requests. */
  readonly messages: { readonly event: string; readonly data?: unknown; readonly channel?: string }[] = [];
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #agent = new Agent({ keepAlive: false });
  /** The cookie that proves whose session it is, as `name=value`. A test that steals a session sets it to null. */
  cookie: string | null = null;

  constructor(origin: string, key: string, headers: Record<string, string> = {}, path = '/pusher') {
    this.#base = `${origin}${path}/app/${key}/`;
    this.#headers = headers;
  }

  /** Opens a request that receives. Resolves when the head of its answer has come. */
  receive(verb: 'xhr_streaming' | 'xhr' = 'xhr_streaming'): Promise<Reception> {
    return new Promise((resolve, reject) => {
      const url = `${this.#base}${this.session}/${verb}?protocol=7&client=js&version=8.6.0`;
      const req = request(url, { method: 'POST', headers: this.#allHeaders(), agent: this.#agent });
      req.on('error', reject);
      req.on('response', (res) => {
        this.#keepCookie(res);
        const reception: Reception = {
          status: res.statusCode ?? 0,
          headers: res.headers,
          lines: [],
          length: 0,
          isFull: false,
          isOver: false,
          pause: () => res.pause(),
          resume: () => res.resume(),
          abort: () => req.destroy(),
        };
        let rest = '';
        res.setEncoding('utf8');
        res.on('data', (text: string) => {
          reception.length += text.length;
          const lines = (rest + text).split('\n');
          rest = lines.pop() as string;
          for (const line of lines) this.#take(line, reception);
          reception.isFull = rest === '' && reception.length > 256 * 1_024;
        });
        res.on('error', () => {});
        res.on('close', () => {
          reception.isOver = true;
        });
        resolve(reception);
      });
      req.end();
    });
  }

  /** Polls until `isDone`. Returns all lines. */
  async poll(isDone: (lines: readonly string[]) => boolean): Promise<string[]> {
    const lines: string[] = [];
    while (!isDone(lines)) {
      const reception = await this.receive('xhr');
      if (reception.status !== 200) throw new Error(`A poll was answered with ${reception.status}.`);
      await eventually(() => reception.isOver, { that: 'the end of a poll' });
      lines.push(...reception.lines);
    }
    return lines;
  }

  /** Sends frames (values as JSON, texts as they are); resolves with the status. */
  send(...frames: readonly unknown[]): Promise<number> {
    return this.sendBody(
      JSON.stringify(frames.map((frame) => (typeof frame === 'string' ? frame : JSON.stringify(frame)))),
    );
  }

  /** Sends a body as it is; with `inPieces`, without a `Content-Length`. */
  sendBody(body: string | Uint8Array, { inPieces = false } = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = { ...this.#allHeaders(), 'Content-Type': 'application/json' };
      const req = request(`${this.#base}${this.session}/xhr_send`, { method: 'POST', headers, agent: this.#agent });
      req.on('error', reject);
      req.on('response', (res) => {
        this.#keepCookie(res);
        res.resume();
        res.on('end', () => resolve(res.statusCode ?? 0));
      });
      if (inPieces) req.write(body);
      req.end(inPieces ? undefined : body);
    });
  }

  /** Subscribes to a public channel and waits for the answer. */
  async subscribe(channel: string): Promise<void> {
    await this.message('pusher:connection_established');
    await this.send({ event: 'pusher:subscribe', data: { channel } });
    await this.message('pusher_internal:subscription_succeeded');
  }

  /** Waits for a message by its event's name. */
  message(event: string) {
    return eventually(() => this.messages.find((message) => message.event === event), { that: event });
  }

  #allHeaders(): Record<string, string> {
    return this.cookie === null ? this.#headers : { ...this.#headers, Cookie: this.cookie };
  }

  #keepCookie(res: IncomingMessage): void {
    const given = res.headers['set-cookie']?.[0];
    if (given) this.cookie = given.split(';')[0] as string;
  }

  #take(line: string, reception: Reception): void {
    if (/^h{2048}$/.test(line)) return;
    reception.lines.push(line);
    if (line.startsWith('a')) {
      for (const message of JSON.parse(line.slice(1)) as string[]) this.messages.push(JSON.parse(message));
    }
  }
}
