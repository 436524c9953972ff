/** Reads a small body, with limits of size and time. It serves `send-request.ts`. */

import type { IncomingMessage } from 'node:http';

/** The body, or the status and the words to refuse it with. */
export type Body = { readonly bytes: Uint8Array } | { readonly status: 400 | 408 | 413; readonly fault: string };

/**
 * @param maxBytes the largest body; the rest of a larger one is dropped
 * @param ms how long the client may take
 */
export function readBody(req: IncomingMessage, maxBytes: number, ms: number): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const done = (body: Body) => {
      clearTimeout(timer);
      req.off('data', onData);
      // The rest is read and dropped, so that the answer gets through. After that the connection is closed.
      req.resume();
      resolve(body);
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) done({ status: 413, fault: `Expected at most ${maxBytes} bytes.` });
      else chunks.push(chunk);
    };
    const timer = setTimeout(() => done({ status: 408, fault: `The body did not come within ${ms} ms.` }), ms);
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
      return done({ status: 413, fault: `Expected at most ${maxBytes} bytes.` });
    }
    req.on('data', onData);
    req.on('end', () => done({ bytes: Buffer.concat(chunks) }));
    req.on('close', () => done({ status: 400, fault: 'The body ended early.' }));
    req.on('error', () => {});
  });
}
