// Runs nginx with deploy/nginx-tls.conf and the addresses of a test. It has a folder of its own, and leaves an nginx that already
// runs on this machine alone.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { startChild, waitUntilReady } from '../../../cli/processes/child.ts';
import { findFreePort, LOOPBACK } from '../../../cli/processes/ports.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { findNginx } from '../../../dev/setup/nginx.ts';

/** A running nginx. */
export interface TestNginx {
  /** `https://127.0.0.1:<port>`, with TLS and HTTP/2. */
  readonly origin: string;
  readonly port: number;
  /** The port for servers, workers and Soketi. */
  readonly innerPort: number;
  /** The certificate of the authority that has signed that of nginx: as text, and in a file. */
  readonly ca: string;
  readonly caFile: string;
  /** Kills all processes of nginx (SIGKILL), and starts it again on the same ports. Resolves when it listens. */
  replace(): Promise<void>;
  stop(): Promise<void>;
}

/** The kinds of temporary folders that nginx wants. Its default folders are for root only. */
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** @param servers and soketi ports of 127.0.0.1: as many of each as deploy/nginx-tls.conf has */
export async function startNginx(servers: readonly number[], soketi: readonly number[]): Promise<TestNginx> {
  const file = findNginx();
  if (file === null) throw new Error('This test needs nginx. Run "npm test", which brings it.');
  const folder = mkdtempSync(join(tmpdir(), 'inloop-nginx-'));
  const [port, innerPort] = [await findFreePort(), await findFreePort()];
  const { ca, ...files } = await writeCertificates(folder);
  const confFile = join(folder, 'nginx.conf');
  writeFileSync(confFile, configurationFor({ folder, port, innerPort, servers, soketi, ...files }));
  const globals = `daemon off; pid ${folder}/nginx.pid; error_log stderr crit;`;
  const start = async () => {
    const args = ['-p', folder, '-c', confFile, '-g', globals, '-e', 'stderr'];
    const started = await startChild({ file, args, env: { PATH: process.env.PATH }, cwd: folder });
    await waitUntilReady('nginx', started, () => acceptsConnections(port));
    return started;
  };
  let child = await start();
  return {
    origin: `https://${LOOPBACK}:${port}`,
    port,
    innerPort,
    ca,
    caFile: files.caFile,
    async replace() {
      // The first process of nginx only starts those that serve. They would go on without it, but all are in one process group.
      process.kill(-child.pid, 'SIGKILL');
      await child.end;
      child = await start();
    },
    async stop() {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What the addresses and paths of deploy/nginx-tls.conf become in a test. */
interface Addresses {
  readonly folder: string;
  readonly port: number;
  readonly innerPort: number;
  readonly servers: readonly number[];
  readonly soketi: readonly number[];
  readonly certFile: string;
  readonly keyFile: string;
}

/** deploy/nginx-tls.conf with the addresses of a test. @throws Error if the file lacks one that is to be replaced */
function configurationFor({ folder, port, innerPort, servers, soketi, certFile, keyFile }: Addresses): string {
  const temporary = TEMPORARY.map((name) => `  ${name}_temp_path ${folder}/${name};`).join('\n');
  const replaced: readonly (readonly [string, string])[] = [
    ...servers.map((own, n) => [`10.0.0.1${n + 1}:3000`, `${LOOPBACK}:${own}`] as const),
    ...soketi.map((own, n) => [`10.0.0.2${n + 1}:6001`, `${LOOPBACK}:${own}`] as const),
    ['listen 443', `listen ${LOOPBACK}:${port}`],
    ['listen 10.0.0.1:6000', `listen ${LOOPBACK}:${innerPort}`],
    ['/etc/nginx/tls/app.example.pem', certFile],
    ['/etc/nginx/tls/app.example.key', keyFile],
    // The test does not wait for a minute until the old processes have ended.
    ['worker_shutdown_timeout 60s', 'worker_shutdown_timeout 2s'],
    ['http {', `http {\n  access_log off;\n${temporary}`],
  ];
  let conf = readFileSync(join(REPOSITORY, 'deploy', 'nginx-tls.conf'), 'utf8');
  for (const [from, to] of replaced) {
    if (!conf.includes(from)) throw new Error(`deploy/nginx-tls.conf has no ${from}: bring nginx.ts up to date.`);
    conf = conf.replaceAll(from, () => to);
  }
  return conf;
}

/** Makes a certificate and its authority, and writes them to `folder`. `ca` is the text of the authority's certificate. */
async function writeCertificates(folder: string) {
  const names = ['app.example.pem', 'app.example.key', 'ca.pem'];
  const [certFile, keyFile, caFile] = names.map((name) => join(folder, name)) as [string, string, string];
  const { ca, cert, key } = await makeCertificate();
  writeFileSync(caFile, ca);
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  return { ca, certFile, keyFile, caFile };
}

async function makeCertificate(): Promise<{ ca: string; cert: string; key: string }> {
  const ca = await generate([{ name: 'commonName', value: 'a private CA' }], {
    keySize: 2_048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'keyUsage', keyCertSign: true },
    ],
  });
  const own = await generate([{ name: 'commonName', value: 'app.example' }], {
    keySize: 2_048,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: LOOPBACK }] }],
  });
  return { ca: ca.cert, cert: own.cert, key: own.private };
}

function acceptsConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}
