// A hardened Soketi with a bystander: a client that stays connected while a test attacks. For the tests of soketi/, which
// prove after each attack that the bystander still gets events.
import { createHmac } from 'node:crypto';
import { type Agent, request } from 'node:http';
import { expect } from '@jest/globals';
import { LOOPBACK } from '../../../../cli/processes/ports.ts';
import { signPusherCall } from '../../../../soketi/pusher-app.ts';
import { RawWebSocket } from '../raw-websocket.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../webhook-receiver.ts';
import { startSoketi, type TestSoketi } from './soketi.ts';

/** The status and the body of an API call. */
export interface Answer {
  status: number;
  body: string;
}

/** The channel that the bystander is in. */
const CHANNEL = 'room';

/** A running Soketi, its bystander, and ways to reach it. */
export class SoketiWithBystander {
  readonly soketi: TestSoketi;
  readonly webhooks: WebhookNames;
  readonly #pid: number;
  #bystander!: RawWebSocket;
  #sequence = 0;

  private constructor(soketi: TestSoketi, webhooks: WebhookNames) {
    this.soketi = soketi;
    this.webhooks = webhooks;
    this.#pid = soketi.pid;
  }

  static async start(): Promise<SoketiWithBystander> {
    const webhooks = await collectWebhookNames();
    const started = new SoketiWithBystander(await startSoketi({ webhooks: webhooks.url }), webhooks);
    started.#bystander = await started.join(CHANNEL);
    return started;
  }

  async stop(): Promise<void> {
    this.#bystander.close();
    await this.soketi.stop();
    await this.webhooks.close();
  }

  /** Publishes an event and waits until the bystander has it. Also checks that Soketi was not restarted. */
  async expectEventsToFlow(): Promise<void> {
    const name = `tick-${++this.#sequence}`;
    const body = JSON.stringify({ name, channel: CHANNEL, data: '{}' });
    expect(await this.call('POST', '/events', body)).toMatchObject({ status: 200 });
    await this.#bystander.receive((message) => message.event === name, name);
    expect(this.#bystander.closed).toBe(false);
    expect(() => process.kill(this.#pid, 0)).not.toThrow();
  }

  /** A connected client in no channel. */
  async open(): Promise<RawWebSocket> {
    const socket = await RawWebSocket.open(this.soketi.pusher.port, this.soketi.pusher.key);
    await socket.socketId();
    return socket;
  }

  /** A connected client in `channel`. */
  async join(channel: string): Promise<RawWebSocket> {
    const socket = await this.open();
    const { key, secret } = this.soketi.pusher;
    const text = `${await socket.socketId()}:${channel}`;
    const signature = createHmac('sha256', secret).update(text).digest('hex');
    socket.sendText({ event: 'pusher:subscribe', data: { channel, auth: `${key}:${signature}` } });
    await socket.receive((message) => message.event === 'pusher_internal:subscription_succeeded');
    return socket;
  }

  /** A correctly signed API call. `path` starts after `/apps/<id>`. */
  call(method: string, path: string, body?: string | Uint8Array, agent?: Agent): Promise<Answer> {
    return this.send(method, signPusherCall(this.soketi.pusher, method, path, body), body, agent);
  }

  /** Sends an HTTP request as it is. Rejects when there is no answer within 5 s. */
  send(method: string, path: string, body?: string | Uint8Array, agent?: Agent): Promise<Answer> {
    const { port } = this.soketi.pusher;
    return new Promise((resolve, reject) => {
      const options = { host: LOOPBACK, port, method, path, timeout: 5_000, ...(agent && { agent }) };
      const sent = request(options, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer to ${method} ${path.split('?')[0]}`)));
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

/** The events of webhooks, each as `channel_occupied room`. */
export interface WebhookNames extends WebhookReceiver {
  readonly names: string[];
}

/** Listens for webhooks on a free port. */
export async function collectWebhookNames(): Promise<WebhookNames> {
  const names: string[] = [];
  const receiver = await startWebhookReceiver((body) => {
    const { events } = JSON.parse(body) as { events: { name: string; channel: string }[] };
    names.push(...events.map(({ name, channel }) => `${name} ${channel}`));
  });
  return { names, ...receiver };
}
