// A proxy as some companies have it: it passes plain HTTP, and refuses tunnels, and with them WebSockets. For tests in a
// browser without WebSockets.
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** A running proxy. */
export interface NoWebSocketProxy {
  /** Flags for Chromium: use the proxy for every address, those of this machine too. */
  readonly flags: string[];
  /** Tunnels that were asked for so far, as `host:port`. */
  readonly refused: string[];
  /** Paths of requests that it passed on. */
  readonly passed: string[];
  /** Sends requests elsewhere, as a load balancer might. */
  route: (url: URL) => URL;
  /** Stops passing answers on, so that the client looks slow to the server. */
  stall(): void;
  /** Passes answers on again. */
  flow(): void;
  /** How many tunnels are open. */
  readonly tunnels: number;
  /** Lets tunnels through, and with them WebSockets. */
  openTunnels(): void;
  /** Refuses tunnels from now on, and cuts the open ones. */
  blockTunnels(): void;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startNoWebSocketProxy(): Promise<NoWebSocketProxy> {
  const refused: string[] = [];
  const passed: string[] = [];
  const answers = new Set<IncomingMessage>();
  let isStalled = false;
  /** Both ends of each open tunnel; undefined while tunnels are refused. */
  let tunnels: Set<Duplex> | undefined;
  const server: Server = createServer((req, res) => {
    const url = new URL(req.url ?? '', 'http://nowhere.invalid');
    passed.push(url.pathname);
    const { 'proxy-connection': _, ...headers } = req.headers;
    const onward = request(proxy.route(url), { method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answers.add(answer);
      answer.on('close', () => answers.delete(answer));
      answer.on('data', (data) => res.write(data));
      answer.on('end', () => res.end());
      if (isStalled) answer.pause();
      // A broken answer must not look complete.
      answer.on('error', () => res.destroy());
    });
    onward.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
    res.on('close', () => onward.destroy());
    req.pipe(onward);
  });
  server.on('connect', (req, socket) => {
    refused.push(req.url ?? '');
    socket.on('error', () => {});
    if (!tunnels) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    openTunnel(req, socket, tunnels);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: NoWebSocketProxy = {
    flags: [`--proxy-server=http://127.0.0.1:${port}`, '--proxy-bypass-list=<-loopback>'],
    refused,
    passed,
    route: (url) => url,
    stall() {
      isStalled = true;
      for (const answer of answers) answer.pause();
    },
    flow() {
      isStalled = false;
      for (const answer of answers) answer.resume();
    },
    get tunnels() {
      return (tunnels?.size ?? 0) / 2;
    },
    openTunnels() {
      tunnels ??= new Set();
    },
    blockTunnels() {
      const open = tunnels ?? [];
      tunnels = undefined;
      for (const end of open) end.destroy();
    },
    async close() {
      proxy.blockTunnels();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** Connects the client with the host that it asks for. `tunnels` holds both ends for as long as they are open. */
function openTunnel(req: IncomingMessage, socket: Duplex, tunnels: Set<Duplex>): void {
  const { hostname, port } = new URL(`http://${req.url}`);
  const onward = connect(Number(port), hostname, () => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    socket.pipe(onward).pipe(socket);
  });
  for (const end of [socket, onward]) {
    end.on('error', () => {});
    tunnels.add(end);
    end.on('close', () => {
      socket.destroy();
      onward.destroy();
      tunnels.delete(end);
    });
  }
}
