// The part of `fetch` that pages need, over Node's own HTTP client. For processes that play many pages: Node's `fetch` costs several
// times the CPU, and shares its connections with everything else in the process.
import http from 'node:http';

/** Creates a `fetch`. Of the answer it has `status`, `ok`, `headers.get` and `text`. @param agent makes and keeps the connections */
export function createFetch(agent: http.Agent): typeof fetch {
  const request = (address: string, init: RequestInit) =>
    new Promise<Pick<Response, 'status' | 'ok' | 'headers' | 'text'>>((resolve, reject) => {
      const { method = 'GET', headers, body, signal } = init;
      const form = body instanceof URLSearchParams && { 'content-type': 'application/x-www-form-urlencoded' };
      const options = { agent, method, headers: { ...(headers as object), ...form }, signal: signal ?? undefined };
      const sent = http.request(address, options as http.RequestOptions, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        answer.on('error', reject).on('end', () => {
          const status = answer.statusCode ?? 0;
          const get = (name: string) => answer.headers[name.toLowerCase()]?.toString() ?? null;
          resolve({ status, ok: status < 300, headers: { get } as Headers, text: async () => text });
        });
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server ends a connection that was idle for 5 s. A request that is sent at that moment is sent again, as browsers do.
        if (sent.reusedSocket && error.code === 'ECONNRESET') request(address, init).then(resolve, reject);
        else reject(error);
      });
      sent.end(body?.toString());
    });
  return request as unknown as typeof fetch;
}
