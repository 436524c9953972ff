// Puts a Soketi in the place of hosted Pusher, for processes and for Chromium: what they send to Pusher's hosts stays on this
// machine. `hosted-pusher.ts` is stricter, but takes no connections of browsers.
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';

export interface HostedSoketi {
  /** The environment by which a Node process reaches it under Pusher's names. Certificates are checked as usual. */
  readonly env: { readonly NODE_OPTIONS: string; readonly NODE_EXTRA_CA_CERTS: string };
  /** Flags with which Chromium reaches it under Pusher's names. Chromium finds no other host but 127.0.0.1. */
  readonly flags: string[];
  /** Pusher's hosts that were asked for so far. */
  readonly hosts: ReadonlySet<string>;
  close(): Promise<void>;
}

/** Starts it under the names of Pusher's hosts in `cluster`. @param port of a Soketi on this machine */
export async function startHostedSoketi(cluster: string, port: number): Promise<HostedSoketi> {
  const names = ['api', 'ws'].map((part) => `${part}-${cluster}.pusher.com`);
  const altNames = names.map((value) => ({ type: 2 as const, value }));
  const { private: key, cert } = await generate([{ name: 'commonName', value: names[0] ?? '' }], {
    keySize: 2048,
    extensions: [{ name: 'subjectAltName', altNames }],
  });
  const folder = mkdtempSync(join(tmpdir(), 'inloop-hosted-'));
  writeFileSync(join(folder, 'certificate.pem'), cert);
  const hosts = new Set<string>();
  const sockets = new Set<TLSSocket>();
  const server = createServer({ key, cert }, (socket) => {
    sockets.add(socket);
    if (typeof socket.servername === 'string') hosts.add(socket.servername);
    const soketi = connect(port, '127.0.0.1');
    socket.pipe(soketi).pipe(socket);
    for (const [one, other] of [[socket, soketi] as const, [soketi, socket] as const]) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const redirect = `
    import tls from 'node:tls';
    const { connect } = tls;
    const [host, port] = '${address}'.split(':');
    tls.connect = (options, ...rest) =>
      connect(options.host?.endsWith('.pusher.com') ? { ...options, host, port } : options, ...rest);`;
  const publicKey = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return {
    env: {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(redirect)}`,
      NODE_EXTRA_CA_CERTS: join(folder, 'certificate.pem'),
    },
    flags: [
      `--host-resolver-rules=MAP *.pusher.com ${address}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`,
      `--ignore-certificate-errors-spki-list=${createHash('sha256').update(publicKey).digest('base64')}`,
    ],
    hosts,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
