/** How server and worker start, listen, and end on a signal. */

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError, TaskError } from 'inloop';

/** How long running requests may take once the process has to end, in milliseconds. */
const GRACE_MS = 5_000;

/**
 * Runs a process until `run` resolves. `run` gets a signal that fires on SIGTERM or SIGINT. A TaskError or ConfigError (a bad
 * setting, a port that is taken) is printed as one line, and the exit code is 1.
 */
export async function runProcess(name: string, run: (stop: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  try {
    await run(stop.signal);
    process.exitCode = 0;
  } catch (error) {
    console.error(error instanceof TaskError || error instanceof ConfigError ? `${name}: ${error.message}` : error);
    process.exitCode = 1;
  }
  // Something may keep the process alive (a connection that is being retried), so end it after a second.
  setTimeout(() => process.exit(), 1_000).unref();
}

/** Starts an HTTP server. @throws TaskError `cannot_listen` if the port is taken, or the address belongs to another machine */
export async function listen(app: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer(app);
  server.listen(port, host);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? 'another program uses it. End that program, or set PORT to another one'
        : `${code}. Check HOST and PORT`;
    throw new TaskError('cannot_listen', `Cannot listen on ${host}:${port}: ${why}.`, { retryable: false });
  }
}

/** Where the server listens, as a URL: `http://127.0.0.1:3000`. */
export function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Closes the server: no new connections; running requests get at most 5 s. */
export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(force);
}
