// A proxy as some companies have it: it passes plain HTTP, and refuses tunnels, and with them WebSockets. For tests in a
// browser without WebSockets.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { startHttpServer } from '../http-server.ts';

/** A running proxy. */
export interface NoWebSocketProxy {
  /** Flags for Chromium: use the proxy for every address, those of this machine too. */
  readonly flags: string[];
  /** Tunnels that clients asked for so far, as `host:port`, whether they were refused or not. */
  readonly askedTunnels: string[];
  /** Paths of requests that it passed on. */
  readonly passed: string[];
  /** Where a request for `url` is sent. A test may replace it, to imitate a load balancer. */
  route: (url: URL) => URL;
  /** Stops passing answers on, so that the client looks slow to the server. */
  stall(): void;
  /** Passes answers on again. */
  resume(): void;
  /** How many tunnels are open. */
  readonly openTunnels: number;
  /** Lets tunnels through from now on, and with them WebSockets. */
  allowTunnels(): void;
  /** Refuses tunnels from now on, and cuts the open ones. */
  blockTunnels(): void;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startNoWebSocketProxy(): Promise<NoWebSocketProxy> {
  const askedTunnels: string[] = [];
  const passed: string[] = [];
  const answers = new Set<IncomingMessage>();
  let isStalled = false;
  /** Both ends of each open tunnel; undefined while tunnels are refused. */
  let tunnels: Set<Duplex> | undefined;
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '', 'http://nowhere.invalid');
    passed.push(url.pathname);
    passOn(req, res, proxy.route(url), (answer) => {
      answers.add(answer);
      answer.on('close', () => answers.delete(answer));
      if (isStalled) answer.pause();
    });
  });
  server.on('connect', (req, socket) => {
    askedTunnels.push(req.url ?? '');
    socket.on('error', () => {});
    if (tunnels) openTunnel(req, socket, tunnels);
    else socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  const { port, close } = await startHttpServer(server);
  const proxy: NoWebSocketProxy = {
    flags: [`--proxy-server=http://127.0.0.1:${port}`, '--proxy-bypass-list=<-loopback>'],
    askedTunnels,
    passed,
    route: (url) => url,
    stall() {
      isStalled = true;
      for (const answer of answers) answer.pause();
    },
    resume() {
      isStalled = false;
      for (const answer of answers) answer.resume();
    },
    get openTunnels() {
      return (tunnels?.size ?? 0) / 2;
    },
    allowTunnels() {
      tunnels ??= new Set();
    },
    blockTunnels() {
      const open = tunnels ?? [];
      tunnels = undefined;
      for (const end of open) end.destroy();
    },
    async close() {
      proxy.blockTunnels();
      await close();
    },
  };
  return proxy;
}

/** Sends a request to `url`, and its answer back. `onAnswer` is called when the head of the answer has come. */
function passOn(
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
  onAnswer: (answer: IncomingMessage) => void,
): void {
  const { 'proxy-connection': _, ...headers } = req.headers;
  const onward = request(url, { method: req.method, headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on('data', (data) => res.write(data));
    answer.on('end', () => res.end());
    // A broken answer must not look complete.
    answer.on('error', () => res.destroy());
    onAnswer(answer);
  });
  onward.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
  res.on('close', () => onward.destroy());
  req.pipe(onward);
}

/** Connects the client with the host that it asks for. Keeps both ends in `tunnels` while they are open. */
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
