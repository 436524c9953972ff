// The cheapest page: a WebSocket that speaks the Pusher protocol and is authorized by the real server. pusher-js would cost too much
// memory for 10,000 pages in one process.
import { WebSocket } from 'ws';

/** A connection that takes longer counts as failed. */
const HANDSHAKE_MS = 30_000;

export interface SocketOptions {
  /** Where the bus is, and the key of its application. */
  readonly port: number;
  readonly key: string;
  readonly channel: string;
  /** Signs a subscription: what `POST /tasks/auth` answers. */
  readonly authorize: (socketId: string) => Promise<string>;
  /** Called with each message that comes after the subscription, as text. */
  readonly onMessage: (text: string) => void;
  /** The loopback address to connect from. Each address has about 28,000 ports. */
  readonly from?: string | undefined;
}

/** A page that is connected and subscribed. */
export interface PusherSocket {
  readonly isOpen: boolean;
  /** Sends a ping. Soketi closes a connection that sends nothing for 120 s. */
  ping(): void;
  /** Cuts the connection. Resolves when it is gone. */
  cut(): Promise<void>;
}

/** Connects and subscribes. Rejects with a short reason: an error code of the system, or what the bus said. */
export function connectPusherSocket(options: SocketOptions): Promise<PusherSocket> {
  const { port, key, channel, authorize, onMessage, from } = options;
  const address = `ws://127.0.0.1:${port}/app/${key}?protocol=7&client=load&version=0`;
  const socket = new WebSocket(address, {
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_MS,
    ...(from === undefined ? {} : { localAddress: from }),
  });
  return new Promise((resolve, reject) => {
    let isSubscribed = false;
    const fail = (reason: string) => {
      if (!isSubscribed) socket.terminate();
      reject(new Error(reason));
    };
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.on('close', (code) => fail(`closed with ${code}`));
    socket.on('message', (data) => {
      const text = data.toString();
      if (isSubscribed) return onMessage(text);
      const message = JSON.parse(text) as { event: string; data?: string };
      if (message.event === 'pusher:connection_established') {
        const { socket_id: id } = JSON.parse(message.data ?? '{}') as { socket_id: string };
        authorize(id).then(
          (auth) => socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth } })),
          (error: Error) => fail(error.message),
        );
      } else if (message.event === 'pusher_internal:subscription_succeeded') {
        isSubscribed = true;
        resolve({
          get isOpen() {
            return socket.readyState === WebSocket.OPEN;
          },
          ping: () => socket.readyState === WebSocket.OPEN && socket.send('{"event":"pusher:ping","data":{}}'),
          cut: () => cut(socket),
        } as PusherSocket);
      } else if (message.event.endsWith('error')) fail(`the bus answered ${text.slice(0, 100)}`);
    });
  });
}

function cut(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.terminate();
  });
}
