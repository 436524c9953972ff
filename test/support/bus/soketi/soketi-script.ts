// Starts Soketi with or without our preload, and with any settings, and clients that record what they receive. For the tests
// which prove that both look the same to a client that follows the Pusher protocol.
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild, waitUntilReady } from '../../../../cli/processes/child.ts';
import { claimPort, LOOPBACK } from '../../../../cli/processes/ports.ts';
import { findNode20 } from '../../../../dev/setup/node20.ts';
import { soketiCommand } from '../../../../dev/stack/soketi.ts';
import { createPusherApp, type PusherApp, probeSoketi, signPusherCall } from '../../../../soketi/pusher-app.ts';
import { eventually } from '../../eventually.ts';
import { RawWebSocket } from '../raw-websocket.ts';
import { startWebhookReceiver } from '../webhook-receiver.ts';

/** `plain`: without our preload. `hardened`: with soketi/preload.cjs. Both have the settings of the local stack. */
export type SoketiKind = 'plain' | 'hardened';

/** The answer to an API call. */
export interface ApiAnswer {
  /** The HTTP status, or the code in the body: plain Soketi answers some errors with 200 and a code in the body. */
  readonly status: number;
  readonly body: unknown;
}

/** A running Soketi of either kind. */
export interface ScriptedSoketi {
  readonly app: PusherApp;
  readonly port: number;
  /** A connected client. */
  open(): Promise<ScriptedClient>;
  call(method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  stop(): Promise<void>;
}

/** Starts a Soketi of this kind. The names in `settings` are without `SOKETI_`; a value of null removes one of our settings. */
export async function startScripted(
  kind: SoketiKind,
  settings: Record<string, string | null> = {},
  app: PusherApp = createPusherApp(),
): Promise<ScriptedSoketi> {
  const folder = mkdtempSync(join(tmpdir(), 'inloop-script-'));
  const { port, release } = await claimPort();
  const command = await soketiCommand({ node: findNode20() as string, app, port, folder });
  // The first two arguments are `--require` and the preload.
  if (kind === 'plain') command.args.splice(0, 2);
  for (const [name, value] of Object.entries(settings)) {
    if (value === null) delete command.env[`SOKETI_${name}`];
    else command.env[`SOKETI_${name}`] = value;
  }
  const child = await startChild(command);
  await waitUntilReady('Soketi', child, () => probeSoketi(port, app));
  return {
    app,
    port,
    open: async () => ScriptedClient.open(port, app),
    async call(method, path, content) {
      const body = content === undefined ? undefined : JSON.stringify(content);
      const init = body === undefined ? { method } : { method, body, headers: { 'Content-Type': 'application/json' } };
      const response = await fetch(`http://${LOOPBACK}:${port}${signPusherCall(app, method, path, body)}`, init);
      const answer = (await response.json()) as { code?: number };
      return { status: answer.code ?? response.status, body: answer };
    },
    async stop() {
      await child.stop();
      release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One connected client, which signs its subscriptions. */
export class ScriptedClient {
  readonly socket: RawWebSocket;
  readonly id: string;
  readonly #app: PusherApp;

  private constructor(socket: RawWebSocket, id: string, app: PusherApp) {
    this.socket = socket;
    this.id = id;
    this.#app = app;
  }

  static async open(port: number, app: PusherApp): Promise<ScriptedClient> {
    const socket = await RawWebSocket.open(port, app.key);
    return new ScriptedClient(socket, await socket.socketId(), app);
  }

  /** Asks to enter a channel and does not wait for the answer. `member` is for presence channels. */
  ask(channel: string, member?: object): void {
    const channelData = member && JSON.stringify(member);
    const signed = [this.id, channel, ...(channelData ? [channelData] : [])].join(':');
    const data = { channel, auth: this.#sign(signed), ...(channelData ? { channel_data: channelData } : {}) };
    this.send('pusher:subscribe', data);
  }

  /** Asks to enter a channel and returns the answer, as `[event, data]`. */
  async enter(channel: string, member?: object): Promise<unknown> {
    const before = this.socket.messages.length;
    this.ask(channel, member);
    const answer = await this.next(
      before,
      (message) => message.channel === channel && /subscription_(succeeded|error)$/.test(message.event),
    );
    return [answer.event, answer.data];
  }

  send(event: string, data: unknown, channel?: string): void {
    this.socket.sendText({ event, data, ...(channel ? { channel } : {}) });
  }

  signIn(user: object, auth?: string): void {
    const userData = JSON.stringify(user);
    this.send('pusher:signin', { user_data: userData, auth: auth ?? this.#sign(`${this.id}::user::${userData}`) });
  }

  /** Returns a message that fits, leaving out the first `after` messages. Waits for it if it has not come yet. */
  next(after: number, fits: (message: { event: string; channel?: string }) => boolean, that = 'a message') {
    return eventually(() => this.socket.messages.slice(after).find(fits), { that });
  }

  /**
   * Waits until everything sent so far was handled. Returns the messages after the first `after`, as `[event, channel, data]`. The
   * first one, which is left out by default, says that the connection is established.
   */
  async seen(after = 1): Promise<unknown[]> {
    const before = this.socket.messages.length;
    this.send('pusher:ping', {});
    await this.next(before, ({ event }) => event === 'pusher:pong', 'a pong');
    return this.socket.messages
      .slice(after)
      .filter(({ event }) => event !== 'pusher:pong')
      .map(({ event, channel, data }) => [event, channel, data]);
  }

  #sign(text: string): string {
    return `${this.#app.key}:${createHmac('sha256', this.#app.secret).update(text).digest('hex')}`;
  }
}

/** Collects the events of webhooks that have the right signature. */
export async function collectWebhooks(app: PusherApp) {
  const events: object[] = [];
  const { url, close } = await startWebhookReceiver((text, signature) => {
    if (signature !== createHmac('sha256', app.secret).update(text).digest('hex')) return;
    events.push(...(JSON.parse(text) as { events: object[] }).events);
  });
  return { events, url, close };
}
