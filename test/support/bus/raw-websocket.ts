// A WebSocket client that sends any bytes: broken UTF-8, binary frames, huge frames. Other clients refuse to send these. For
// tests of what a server does with hostile clients.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { eventually } from '../eventually.ts';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;

/** A message as a Pusher server sends it. */
export interface PusherMessage {
  event: string;
  channel?: string;
  data?: unknown;
}

/** One raw connection to a Pusher-compatible server. */
export class RawWebSocket {
  /** Messages received so far, oldest first. */
  readonly messages: PusherMessage[] = [];
  /** Whether the server (or the network) has ended the connection. */
  closed = false;
  #received: Buffer = Buffer.alloc(0);
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('error', () => {});
  }

  /** Connects to `/app/<key>`; resolves after the HTTP upgrade, before the server's first message. */
  static async open(port: number, key: string): Promise<RawWebSocket> {
    const socket = connect({ host: '127.0.0.1', port });
    const client = new RawWebSocket(socket);
    socket.write(
      `GET /app/${key}?protocol=7&client=raw&version=0 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\n` +
        `Connection: Upgrade\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    let head: Buffer = Buffer.alloc(0);
    await new Promise<void>((resolve, reject) => {
      const read = (data: Buffer): void => {
        head = Buffer.concat([head, data]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', read);
        if (!head.toString('latin1').startsWith('HTTP/1.1 101')) {
          reject(new Error(`The server did not upgrade: ${head.toString('latin1', 0, 60)}`));
          return;
        }
        socket.on('data', (more) => client.#read(more));
        client.#read(head.subarray(end + 4));
        resolve();
      };
      socket.on('data', read);
      socket.once('close', () => reject(new Error('The server closed the connection before upgrading.')));
    });
    return client;
  }

  /** Sends a text frame. Bytes need not be UTF-8; a value that is neither text nor bytes is sent as JSON. */
  sendText(content: unknown): void {
    const isRaw = typeof content === 'string' || content instanceof Uint8Array;
    this.#write(TEXT, Buffer.from(isRaw ? (content as string) : JSON.stringify(content)));
  }

  /** Sends a binary frame. */
  sendBinary(content: string | Uint8Array): void {
    this.#write(BINARY, Buffer.from(content as string));
  }

  /** Sends bytes as they are, in no frame. */
  sendBytes(content: Uint8Array): void {
    this.#socket.write(content);
  }

  /** Returns the first message that fits, and waits for it if it has not come yet. */
  receive(fits: (message: PusherMessage) => boolean, that = 'a message'): Promise<PusherMessage> {
    return eventually(() => this.messages.find(fits), { that });
  }

  /** The id the server gave this connection. */
  async socketId(): Promise<string> {
    const { data } = await this.receive((message) => message.event === 'pusher:connection_established');
    return (JSON.parse(String(data)) as { socket_id: string }).socket_id;
  }

  /** Cuts the connection. */
  close(): void {
    this.#socket.destroy();
  }

  #write(opcode: number, payload: Buffer): void {
    const { length } = payload;
    const size =
      length < 126
        ? Buffer.from([0x80 | length])
        : Buffer.alloc(length < 65_536 ? 3 : 9, 0x80 | (length < 65_536 ? 126 : 127));
    if (length >= 65_536) size.writeBigUInt64BE(BigInt(length), 1);
    else if (length >= 126) size.writeUInt16BE(length, 1);
    // A mask of zeros is a legal mask and leaves the payload readable in a capture.
    if (!this.closed) this.#socket.write(Buffer.concat([Buffer.from([0x80 | opcode]), size, Buffer.alloc(4), payload]));
  }

  #read(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const frame = readFrame(this.#received);
      if (frame === null) return;
      this.#received = frame.rest;
      if (frame.opcode === TEXT) this.messages.push(JSON.parse(frame.payload.toString()) as PusherMessage);
      if (frame.opcode === CLOSE) this.#socket.end();
    }
  }
}

function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; rest: Buffer } | null {
  if (bytes.length < 2) return null;
  const short = bytes[1] as number;
  const header = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < header) return null;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < header + length) return null;
  return {
    opcode: (bytes[0] as number) & 0x0f,
    payload: bytes.subarray(header, header + length),
    rest: bytes.subarray(header + length),
  };
}
