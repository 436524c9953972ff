// The parts of the scale test: three servers, three workers and two Soketi on one Redis with Sentinel, all behind nginx, and
// fifty pages. It starts them, kills and replaces them, and reads what the pages show.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { claimPort, findFreePort, findFreeUdpPort, LOOPBACK } from '../../../cli/processes/ports.ts';
import { createPusherApp, probeSoketi, pusherEnvOf } from '../../../soketi/pusher-app.ts';
import { eventually } from '../../support/eventually.ts';
import { createHttp2Fetch } from '../../support/http2-fetch.ts';
import { makeAdopter, startInloop } from '../../support/processes/inloop-command.ts';
import { startNginx } from '../../support/processes/nginx.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../../support/processes/script-process.ts';
import { startRedis } from '../../support/redis/redis.ts';
import {
  PRIMARY_NAME,
  startSentinel,
  waitUntilTheyKnowEachOther,
  waitUntilTheyName,
} from '../../support/redis/sentinel.ts';
import { makeReplica } from '../../support/redis/use-redis.ts';
import type { PageKind, PageReport } from './page-report.ts';

const USERS = Array.from({ length: 20 }, (_, n) => `user-${n}`);
const KINDS: readonly PageKind[] = ['websocket', 'streaming', 'polling'];
const PAGES = 50;

export interface ScaleWorld {
  readonly users: readonly string[];
  /** `https://…`, where nginx listens. */
  readonly origin: string;
  /** A `fetch` over TLS and HTTP/2. */
  readonly fetch: typeof fetch;
  /** What all pages show and have shown. */
  pages(): Promise<PageReport[]>;
  /** Each kills one part (SIGKILL), and puts another one in its place. Resolves when that one works. */
  replaceServer(): Promise<void>;
  replaceWorker(): Promise<void>;
  replaceSoketi(): Promise<void>;
  replaceNginx(): Promise<void>;
  /** The replica becomes the primary. Then the old primary comes back as its replica. */
  replacePrimary(): Promise<void>;
  close(): Promise<void>;
}

export async function startScaleWorld(): Promise<ScaleWorld> {
  const closers: (() => unknown)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  const claim = async (): Promise<number> => {
    const { port, release } = await claimPort();
    closers.push(release);
    return port;
  };
  const bundle = async (entry: string): Promise<Bundle> => {
    const made = await bundleScript(entry);
    closers.push(made.remove);
    return made;
  };
  try {
    const [serverBundle, workerBundle, clientsBundle] = await Promise.all([
      bundle('test/integration/scale/server.ts'),
      bundle('test/integration/work/processes/fault-worker.ts'),
      bundle('test/integration/scale/clients.ts'),
    ]);

    const [first, second] = await Promise.all([startRedis(QUICK_REPLICA), startRedis(QUICK_REPLICA)]);
    closers.push(first.stop, second.stop);
    await makeReplica(second.say, first.port);
    const sentinels = await Promise.all([0, 1, 2].map(() => startSentinel(first.port)));
    closers.push(...sentinels.map(({ stop }) => stop));
    const knowing = waitUntilTheyKnowEachOther(sentinels);
    // If another part fails to start, that error is the one to tell.
    knowing.catch(() => undefined);

    const serverPorts = [await claim(), await claim(), await claim()];
    const soketiPorts = [await claim(), await claim()];
    const nginx = await startNginx(serverPorts, soketiPorts);
    closers.push(nginx.stop);

    const app = createPusherApp();
    const adopter = makeAdopter();
    closers.push(adopter.remove);
    const startSoketi = async (port: number) => {
      const command = await startInloop(['soketi'], adopter.path, {
        ...pusherEnvOf(app, nginx.innerPort),
        SOKETI_PORT: String(port),
        SOKETI_METRICS_SERVER_PORT: String(await findFreePort()),
        SOKETI_CLUSTER_PORT: String(await findFreeUdpPort()),
        SOKETI_ADAPTER_DRIVER: 'redis',
        SOKETI_DB_REDIS_SENTINELS: JSON.stringify(
          sentinels.map((sentinel) => ({ host: LOOPBACK, port: sentinel.port })),
        ),
        SOKETI_DB_REDIS_INSTANCE_NAME: PRIMARY_NAME,
        INLOOP_SOKETI_WEBHOOK: `http://${LOOPBACK}:${nginx.innerPort}/tasks/webhook`,
      });
      closers.push(() => command.stop());
      await eventually(() => command.output().includes('ready '), { within: 40_000, that: 'Soketi to be ready' });
      return command;
    };
    const soketi = await Promise.all(soketiPorts.map(startSoketi));

    const env = {
      REDIS_URL: `redis+sentinel://${sentinels.map(({ port }) => `${LOOPBACK}:${port}`).join(',')}/${PRIMARY_NAME}`,
      ...pusherEnvOf(app, nginx.innerPort),
      PUSHER_PUBLIC_HOST: LOOPBACK,
      PUSHER_PUBLIC_PORT: String(nginx.port),
      PUSHER_PUBLIC_TLS: 'true',
    };
    const running: ScriptProcess[] = [];
    closers.push(() => Promise.all(running.map((script) => script.kill())));
    const start = async (made: Bundle, more: Record<string, string>, ready: string): Promise<ScriptProcess> => {
      const script = await startScript(made, { ...env, ...more }, ready);
      running.push(script);
      return script;
    };
    const startServer = (port = 0) => start(serverBundle, { PORT: String(port) }, 'server ready');
    const startWorker = () => start(workerBundle, {}, 'worker ready');
    const [servers, workers] = await Promise.all([
      Promise.all(serverPorts.map(startServer)),
      Promise.all([0, 1, 2].map(startWorker)),
    ]);

    const pages = Array.from({ length: PAGES }, (_, n) => ({
      user: USERS[n % USERS.length],
      kind: KINDS[n % KINDS.length],
    }));
    const clients = await start(
      clientsBundle,
      { ORIGIN: nginx.origin, NODE_EXTRA_CA_CERTS: nginx.caFile, PAGES: JSON.stringify(pages) },
      ';',
    );
    const clientsPort = Number(/clients ready (\d+);/.exec(clients.output())?.[1]);
    const http = createHttp2Fetch(nginx.origin, { ca: nginx.ca });
    closers.push(http.close);
    await knowing;

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
      async replaceSoketi() {
        const { stdout } = await promisify(execFile)('pgrep', ['-P', String(soketi[0]?.pid)]);
        process.kill(Number(stdout.trim()), 'SIGKILL');
        // `inloop soketi` puts another one in its place.
        await eventually(() => soketi[0]?.output().includes('Soketi is back.'), { within: 40_000 });
        await eventually(() => probeSoketi(soketiPorts[0] ?? 0, app), { within: 10_000 });
      },
      async replacePrimary() {
        await first.kill();
        // A primary that comes back before that takes writes for a moment, and loses them: docs/redis.md.
        await waitUntilTheyName(sentinels, second.port);
        await first.restart();
        await makeReplica(first.say, second.port);
      },
      replaceNginx: nginx.replace,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Data for a new replica are sent at once, and not 5 s later, when more replicas might have come. */
const QUICK_REPLICA = { settings: { 'repl-diskless-sync-delay': '0' } };
