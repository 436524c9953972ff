// Runs deploy/nginx-tls.conf with the addresses of a test: a process of its own with a folder of its own, never the nginx of the
// system.
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

/** The temporary folders of nginx. Its own are for root only. */
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** @param servers and soketi ports of 127.0.0.1: as many of each as deploy/nginx-tls.conf has */
export async function startNginx(servers: readonly number[], soketi: readonly number[]): Promise<TestNginx> {
  const file = findNginx();
  if (file === null) throw new Error('This test needs nginx. Run "npm test", which brings it.');
  const folder = mkdtempSync(join(tmpdir(), 'inloop-nginx-'));
  const [port, innerPort] = [await findFreePort(), await findFreePort()];
  const names = ['app.example.pem', 'app.example.key', 'ca.pem'];
  const [certFile, keyFile, caFile] = names.map((name) => join(folder, name)) as [string, string, string];
  const { ca, cert, key } = await makeCertificate();
  writeFileSync(caFile, ca);
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const replaced: readonly (readonly [string | RegExp, string])[] = [
    ...servers.map((own, n) => [`10.0.0.1${n + 1}:3000`, `${LOOPBACK}:${own}`] as const),
    ...soketi.map((own, n) => [`10.0.0.2${n + 1}:6001`, `${LOOPBACK}:${own}`] as const),
    ['listen 443', `listen ${LOOPBACK}:${port}`],
    ['listen 10.0.0.1:6000', `listen ${LOOPBACK}:${innerPort}`],
    [/\/etc\/nginx\/tls\/app\.example\.pem/, certFile],
    [/\/etc\/nginx\/tls\/app\.example\.key/, keyFile],
    // The test does not wait for a minute until the old processes have ended.
    ['worker_shutdown_timeout 60s', 'worker_shutdown_timeout 2s'],
    [
      'http {',
      `http {\n  access_log off;\n${TEMPORARY.map((name) => `  ${name}_temp_path ${folder}/${name};`).join('\n')}`,
    ],
  ];
  let conf = readFileSync(join(REPOSITORY, 'deploy', 'nginx-tls.conf'), 'utf8');
  for (const [from, to] of replaced) {
    if (conf.split(from).length < 2)
      throw new Error(`deploy/nginx-tls.conf has no ${from}: bring nginx.ts up to date.`);
    conf = conf.replaceAll(typeof from === 'string' ? from : new RegExp(from, 'g'), () => to);
  }
  const confFile = join(folder, 'nginx.conf');
  writeFileSync(confFile, conf);
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
    caFile,
    async replace() {
      // Its first process only starts those that serve, and these would go on without it. All are in one process group.
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
