// The parts of the scale test: three servers, three workers and two Soketi on one Redis with Sentinel, all behind nginx, and
// fifty pages. It starts them, kills and replaces them, and reads what the pages show.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { claimPort, findFreePort, findFreeUdpPort, LOOPBACK } from '../../../cli/processes/ports.ts';
import { createPusherApp, type PusherApp, probeSoketi, pusherEnvOf } from '../../../soketi/pusher-app.ts';
import type { Network } from '../../support/bus/network.ts';
import { eventually } from '../../support/eventually.ts';
import { createHttp2Fetch } from '../../support/http2-fetch.ts';
import { type InloopCommand, makeAdopter, startInloop } from '../../support/processes/inloop-command.ts';
import { startNginx, type TestNginx } from '../../support/processes/nginx.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../../support/processes/script-process.ts';
import { startRedis } from '../../support/redis/redis.ts';
import {
  PRIMARY_NAME,
  startSentinel,
  type TestSentinel,
  waitUntilTheyKnowEachOther,
  waitUntilTheyName,
} from '../../support/redis/sentinel.ts';
import { makeReplica } from '../../support/redis/use-redis.ts';
import type { PageReport } from './page-report.ts';

const USERS = Array.from({ length: 20 }, (_, n) => `user-${n}`);
const KINDS: readonly Network[] = ['websocket', 'streaming', 'polling'];
/** The pages: users and kinds take turns. */
const PAGES = Array.from({ length: 50 }, (_, n) => ({ user: USERS[n % USERS.length], kind: KINDS[n % KINDS.length] }));

export interface ScaleWorld {
  readonly users: readonly string[];
  /** `https://…`, where nginx listens. */
  readonly origin: string;
  /** A `fetch` over TLS and HTTP/2. */
  readonly fetch: typeof fetch;
  /** What all pages show and have shown. */
  pages(): Promise<PageReport[]>;
  // Each of these kills one part (SIGKILL), and puts another one in its place. It resolves when that one works.
  replaceServer(): Promise<void>;
  replaceWorker(): Promise<void>;
  replaceSoketi(): Promise<void>;
  replaceNginx(): Promise<void>;
  /** Kills the primary. Its replica becomes the primary, and the old one comes back as a replica. */
  replacePrimary(): Promise<void>;
  close(): Promise<void>;
}

/** Starts all parts. Rejects if one does not start; then those that have started are ended. */
export async function startScaleWorld(): Promise<ScaleWorld> {
  const closers: Closers = [];
  try {
    const world = await startParts(closers);
    return { ...world, close: () => closeAll(closers) };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** What ends the parts that have started, in the order of their start. */
type Closers = (() => unknown)[];

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

async function startParts(closers: Closers): Promise<Omit<ScaleWorld, 'close'>> {
  const bundles = await bundleAll(closers);
  const redis = await startRedisWithSentinels(closers);
  const serverPorts = await claimPorts(3, closers);
  const soketiPorts = await claimPorts(2, closers);
  const nginx = await startNginx(serverPorts, soketiPorts);
  closers.push(nginx.stop);

  const app = createPusherApp();
  const soketi = await startSoketis(soketiPorts, app, nginx, redis.sentinels, closers);
  const env = {
    REDIS_URL: `redis+sentinel://${redis.sentinels.map(({ port }) => `${LOOPBACK}:${port}`).join(',')}/${PRIMARY_NAME}`,
    ...pusherEnvOf(app, nginx.innerPort),
    PUSHER_PUBLIC_HOST: LOOPBACK,
    PUSHER_PUBLIC_PORT: String(nginx.port),
    PUSHER_PUBLIC_TLS: 'true',
  };
  const running: ScriptProcess[] = [];
  closers.push(() => Promise.all(running.map((script) => script.kill())));
  const start = async (bundle: Bundle, more: Record<string, string>, ready: string): Promise<ScriptProcess> => {
    const script = await startScript(bundle, { ...env, ...more }, ready);
    running.push(script);
    return script;
  };
  const startServer = (port = 0) => start(bundles.server, { PORT: String(port) }, 'server ready');
  const startWorker = () => start(bundles.worker, {}, 'worker ready');
  const [servers, workers] = await Promise.all([
    Promise.all(serverPorts.map(startServer)),
    Promise.all([0, 1, 2].map(startWorker)),
  ]);
  const clients = await start(
    bundles.clients,
    { ORIGIN: nginx.origin, NODE_EXTRA_CA_CERTS: nginx.caFile, PAGES: JSON.stringify(PAGES) },
    // The last character of the line that names the port of the clients: "clients ready 12345;".
    ';',
  );
  const clientsPort = Number(/clients ready (\d+);/.exec(clients.output())?.[1]);
  const http = createHttp2Fetch(nginx.origin, { ca: nginx.ca });
  closers.push(http.close);
  await redis.isComplete;

  return {
    users: USERS,
    origin: nginx.origin,
    fetch: http.fetch,
    pages: async () => (await fetch(`http://${LOOPBACK}:${clientsPort}`)).json() as Promise<PageReport[]>,
    async replaceServer() {
      await servers[0]?.kill();
      await startServer(serverPorts[0]);
    },
    async replaceWorker() {
      await workers[0]?.kill();
      await startWorker();
    },
    replaceSoketi: () => replaceSoketi(soketi[0] as InloopCommand, soketiPorts[0] as number, app),
    replacePrimary: redis.replacePrimary,
    replaceNginx: nginx.replace,
  };
}

/** Bundles the processes of this test. */
async function bundleAll(closers: Closers): Promise<Record<'server' | 'worker' | 'clients', Bundle>> {
  const bundle = async (entry: string): Promise<Bundle> => {
    const made = await bundleScript(entry);
    closers.push(made.remove);
    return made;
  };
  const [server, worker, clients] = await Promise.all([
    bundle('test/integration/scale/server.ts'),
    bundle('test/integration/work/processes/fault-worker.ts'),
    bundle('test/integration/scale/clients.ts'),
  ]);
  return { server, worker, clients };
}

async function claimPorts(count: number, closers: Closers): Promise<number[]> {
  const ports: number[] = [];
  for (let n = 0; n < count; n++) {
    const { port, release } = await claimPort();
    closers.push(release);
    ports.push(port);
  }
  return ports;
}

/** A new replica gets its data at once, and not after the 5 s in which Redis waits for more replicas. */
const QUICK_REPLICA = { settings: { 'repl-diskless-sync-delay': '0' } };

/** Starts a primary, its replica, and three sentinels. `isComplete` resolves when the sentinels know each other. */
async function startRedisWithSentinels(closers: Closers) {
  const [first, second] = await Promise.all([startRedis(QUICK_REPLICA), startRedis(QUICK_REPLICA)]);
  closers.push(first.stop, second.stop);
  await makeReplica(second.say, first.port);
  const sentinels = await Promise.all([0, 1, 2].map(() => startSentinel(first.port)));
  closers.push(...sentinels.map(({ stop }) => stop));
  const isComplete = waitUntilTheyKnowEachOther(sentinels);
  // If another part fails to start, that error is the one to tell.
  isComplete.catch(() => undefined);
  return {
    sentinels,
    isComplete,
    async replacePrimary() {
      await first.kill();
      // A primary that comes back before that takes writes for a moment, and loses them: docs/redis.md.
      await waitUntilTheyName(sentinels, second.port);
      await first.restart();
      await makeReplica(first.say, second.port);
    },
  };
}

/** Starts `inloop soketi` on each of `ports`, joined by Redis. They send their webhooks to nginx. */
async function startSoketis(
  ports: readonly number[],
  app: PusherApp,
  nginx: TestNginx,
  sentinels: readonly TestSentinel[],
  closers: Closers,
): Promise<InloopCommand[]> {
  const adopter = makeAdopter();
  closers.push(adopter.remove);
  const start = async (port: number) => {
    const command = await startInloop(['soketi'], adopter.path, {
      ...pusherEnvOf(app, nginx.innerPort),
      SOKETI_PORT: String(port),
      SOKETI_METRICS_SERVER_PORT: String(await findFreePort()),
      SOKETI_CLUSTER_PORT: String(await findFreeUdpPort()),
      SOKETI_ADAPTER_DRIVER: 'redis',
      SOKETI_DB_REDIS_SENTINELS: JSON.stringify(sentinels.map((sentinel) => ({ host: LOOPBACK, port: sentinel.port }))),
      SOKETI_DB_REDIS_INSTANCE_NAME: PRIMARY_NAME,
      INLOOP_SOKETI_WEBHOOK: `http://${LOOPBACK}:${nginx.innerPort}/tasks/webhook`,
    });
    closers.push(() => command.stop());
    await eventually(() => command.output().includes('ready '), { within: 40_000, that: 'Soketi to be ready' });
    return command;
  };
  return Promise.all(ports.map(start));
}

/** Kills the Soketi of a command `inloop soketi`, which puts another one in its place. Resolves when that one answers. */
async function replaceSoketi(command: InloopCommand, port: number, app: PusherApp): Promise<void> {
  const { stdout } = await promisify(execFile)('pgrep', ['-P', String(command.pid)]);
  process.kill(Number(stdout.trim()), 'SIGKILL');
  await eventually(() => command.output().includes('Soketi is back.'), { within: 40_000 });
  await eventually(() => probeSoketi(port, app), { within: 10_000 });
}
