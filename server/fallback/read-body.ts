/** Reads a small body, with limits of size and time. It serves `send-request.ts`. */

import type { IncomingMessage } from 'node:http';

/** The body; or the HTTP status and the text with which the request is to be refused. */
export type Body = { readonly bytes: Uint8Array } | { readonly status: 400 | 408 | 413; readonly fault: string };

/**
 * Reads the body of `req`. Never rejects.
 * @param maxBytes the largest body that is taken; the rest of a larger one is dropped
 * @param timeoutMs how long the client may take
 */
export function readBody(req: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    // Only its first call counts: 'close' follows each 'end'.
    const done = (body: Body) => {
      clearTimeout(timer);
      req.off('data', onData);
      // The rest is read and dropped. Without that, the client might not get the answer, since it is still sending.
      req.resume();
      resolve(body);
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) done({ status: 413, fault: `Expected at most ${maxBytes} bytes.` });
      else chunks.push(chunk);
    };
    const timer = setTimeout(
      () => done({ status: 408, fault: `The body did not come within ${timeoutMs} ms.` }),
      timeoutMs,
    );
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
      return done({ status: 413, fault: `Expected at most ${maxBytes} bytes.` });
    }
    req.on('data', onData);
    req.on('end', () => done({ bytes: Buffer.concat(chunks) }));
    req.on('close', () => done({ status: 400, fault: 'The body ended early.' }));
    // 'close' follows an error, and settles it. So there is nothing to do here.
    req.on('error', () => {});
  });
}
