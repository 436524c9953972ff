// A fake push server that a test controls: it can flood, go silent, or close with any code. For tests of the HTTP fallback.
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A running stand-in. */
export interface BusStandIn {
  readonly port: number;
  /** Connections open now, oldest first. */
  readonly clients: WebSocket[];
  /** Paths that were asked for. */
  readonly urls: string[];
  /** Frames received, over all connections. */
  readonly frames: string[];
  close(): Promise<void>;
}

/** Starts one that tells each client that its connection is established. It answers pings unless `isSilent`. */
export async function startBusStandIn({ isSilent = false, port = 0 } = {}): Promise<BusStandIn> {
  const server = new WebSocketServer({ host: '127.0.0.1', port });
  const clients: WebSocket[] = [];
  const urls: string[] = [];
  const frames: string[] = [];
  server.on('connection', (socket, req) => {
    clients.push(socket);
    urls.push(req.url ?? '');
    socket.on('error', () => {});
    socket.on('close', () => clients.splice(clients.indexOf(socket), 1));
    socket.on('message', (data) => {
      const frame = data.toString();
      frames.push(frame);
      if (!isSilent && frame.includes('"pusher:ping"')) socket.send('{"event":"pusher:pong","data":{}}');
    });
    const data = JSON.stringify({ socket_id: '1.1', activity_timeout: 120 });
    socket.send(JSON.stringify({ event: 'pusher:connection_established', data }));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    clients,
    urls,
    frames,
    async close() {
      for (const client of [...clients]) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
