// Looks at the bus as a browser does: connects by WebSocket at the public address, enters a channel of a made-up owner, and
// waits for an event that is pushed there.
import WebSocket from 'ws';
import type { Bus } from '../../backend/push/bus/bus.ts';
import type { PusherOptions } from '../../backend/push/bus/pusher-env.ts';
import { type Check, Findings } from './check.ts';

/** How long each step may take. */
const PATIENCE_MS = 4_000;

/** A step that did not come about, and what to do. */
class StepError extends Error {
  override readonly name = 'StepError';
  readonly cure: string;

  constructor(message: string, cure: string) {
    super(message);
    this.cure = cure;
  }
}

/** Cures by the code with which the bus closes a connection, as Pusher's protocol has it. They go before the cure of a step. */
const CURES: readonly (readonly [RegExp, string])[] = [
  [/^4001\b/, 'PUSHER_KEY must be that of the application PUSHER_APP_ID on the bus.'],
  [/^(4004|4100)\b/, 'The bus has as many connections as it allows. Raise its limit.'],
];

/** @param channel that of a made-up owner */
export async function checkBrowser(bus: Bus, pusher: PusherOptions, channel: string): Promise<readonly Check[]> {
  const findings = new Findings('browser');
  const { browser, cluster, key } = pusher;
  const address =
    browser === null
      ? `wss://ws-${cluster}.pusher.com`
      : `${browser.tls ? 'wss' : 'ws'}://${browser.host}:${browser.port}`;
  const socket = new WebSocket(`${address}/app/${encodeURIComponent(key)}?protocol=7&client=inloop-doctor&version=1`, {
    handshakeTimeout: PATIENCE_MS,
  });
  try {
    const messages = listen(socket);
    const opened = await messages.next(
      ({ event }) => event === 'pusher:connection_established',
      `${address} lets no WebSocket connect`,
      'Correct PUSHER_PUBLIC_HOST, _PORT and _TLS (without them PUSHER_HOST, _PORT and _TLS count). A proxy in front must pass WebSockets on.',
    );
    findings.ok('connection', `${address}, as seen from this machine`);
    const { socket_id: socketId } = JSON.parse(String(opened.data)) as { socket_id: string };
    socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, ...bus.authorize(socketId, channel) } }));
    await messages.next(
      ({ event }) => event === 'pusher_internal:subscription_succeeded',
      'the bus lets nobody enter the channel of an owner',
      'PUSHER_SECRET must be that of the bus. INLOOP_SOKETI_CHANNELS, if set, needs private-user-* and private-encrypted-user-*.',
    );
    const began = performance.now();
    await bus.send([{ channel, name: 'inloop.doctor', data: '{}' }]);
    await messages.next(
      ({ event }) => event === 'inloop.doctor',
      'an event that was pushed does not arrive',
      'PUSHER_HOST and PUSHER_PUBLIC_HOST must lead to the same bus. Several nodes of Soketi need SOKETI_ADAPTER_DRIVER=redis.',
    );
    findings.ok('events', `one that was pushed arrives after ${Math.round(performance.now() - began)} ms`);
  } catch (error) {
    const cure = error instanceof StepError ? error.cure : 'The log of the bus says more.';
    findings.failed(findings.checks.length === 0 ? 'connection' : 'events', (error as Error).message, cure);
  } finally {
    socket.terminate();
  }
  return findings.checks;
}

interface Message {
  readonly event: string;
  readonly data?: unknown;
}

/** Keeps all messages that arrive, so that none is missed between two waits. */
function listen(socket: WebSocket) {
  const messages: Message[] = [];
  let failure: string | null = null;
  let wake = (): void => {};
  const fail = (text: string): void => {
    failure ??= text;
    wake();
  };
  socket.on('message', (data) => {
    const message = parse(String(data));
    messages.push(message);
    if (/error/.test(message.event)) fail(describe(message.data));
    wake();
  });
  socket.on('error', (error) => fail(error.message));
  socket.on('close', (code) => fail(`closed with ${code}`));
  return {
    /**
     * Waits for the first message that `fits`.
     * @param fault what the error says if none comes
     * @param cure what to do then
     * @throws StepError when the bus says an error or closes first, or nothing comes within {@link PATIENCE_MS}
     */
    async next(fits: (message: Message) => boolean, fault: string, cure: string): Promise<Message> {
      const deadline = setTimeout(() => fail(`nothing came within ${PATIENCE_MS / 1_000} s`), PATIENCE_MS);
      try {
        for (;;) {
          const found = messages.find(fits);
          if (found) return found;
          if (failure !== null) {
            const text = failure;
            const cureOfCode = CURES.find(([pattern]) => pattern.test(text))?.[1];
            throw new StepError(`${fault}: ${text}`, cureOfCode ?? cure);
          }
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        clearTimeout(deadline);
      }
    },
  };
}

function parse(text: string): Message {
  try {
    const { event, data } = JSON.parse(text) as Message;
    return { event: String(event), data };
  } catch {
    return { event: '' };
  }
}

function describe(data: unknown): string {
  const { code, status, message, error } = Object(data) as Record<string, unknown>;
  return (
    [code ?? status, message ?? error].filter((part) => part !== undefined && part !== null).join(' ') || 'refused'
  );
}
