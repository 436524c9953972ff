// What both versions run on, and their processes: servers, workers and pages of either version, on one Redis and one Soketi.
import { LOOPBACK } from '../../../../cli/processes/ports.ts';
import { isFinished, type Snapshot } from '../../../../core/tasks/snapshot.ts';
import { REPOSITORY } from '../../../../dev/paths.ts';
import { pusherEnvOf } from '../../../../soketi/pusher-app.ts';
import type { TestSoketi } from '../../../support/bus/soketi/soketi.ts';
import {
  type Bundle,
  bundleScript,
  type ScriptProcess,
  startScript,
} from '../../../support/processes/script-process.ts';
import { startRedis, type TestRedis } from '../../../support/redis/redis.ts';
import { checkOutEarlierVersion } from './earlier-version.ts';
import type { PageOptions, PageReport } from './page-report.ts';
import { VERSIONS, type Version } from './versions.ts';

const SCRIPTS = ['server', 'worker', 'page'] as const;

/** The scripts of this folder, each bundled with the `inloop` of each version. */
export interface Bundles {
  readonly of: Readonly<Record<Version, Readonly<Record<(typeof SCRIPTS)[number], Bundle>>>>;
  remove(): void;
}

/** Takes the earlier version out of git, and bundles the scripts with both. */
export async function bundleBoth(): Promise<Bundles> {
  const earlier = checkOutEarlierVersion();
  try {
    const bundle = async (inloop: string) => {
      const [server, worker, page] = await Promise.all(
        SCRIPTS.map((name) => bundleScript(`test/integration/upgrade/two-versions/${name}.ts`, [], inloop)),
      );
      return { server, worker, page } as Readonly<Record<(typeof SCRIPTS)[number], Bundle>>;
    };
    const of = { earlier: await bundle(earlier.root), today: await bundle(REPOSITORY) };
    const remove = () => {
      for (const version of VERSIONS) for (const name of SCRIPTS) of[version][name].remove();
    };
    return { of, remove };
  } finally {
    earlier.remove();
  }
}

/** A web server, and calls to it as a user. */
export interface Server extends ScriptProcess {
  readonly url: string;
  start(user: string, name: string, input?: unknown): Promise<Snapshot>;
  list(user: string): Promise<readonly Snapshot[]>;
  cancel(user: string, id: string): Promise<Snapshot>;
  retry(user: string, id: string): Promise<Snapshot>;
  /** Asks with `Prefer: wait` until the task is as wanted. Jest's limit for a test ends the wait. */
  waitFor(user: string, id: string, isThere: (task: Snapshot) => boolean): Promise<Snapshot>;
  /** Waits for the outcome. */
  waitForEnd(user: string, id: string): Promise<Snapshot>;
}

/** A Redis, the Soketi, and what was started on them. */
export interface World {
  readonly redis: TestRedis;
  startServer(version: Version): Promise<Server>;
  /** @param tasks names of the tasks that it handles; `concurrency` of each at once */
  startWorker(version: Version, tasks: readonly string[], concurrency?: number): Promise<ScriptProcess>;
  /** Opens pages; the function that it resolves with reads what they have shown. */
  openPages(version: Version, pages: readonly PageOptions[]): Promise<() => Promise<PageReport[]>>;
  /** How often handlers of all processes have started each task of the definition `name`, by the ids of the tasks. */
  runs(name: string): Map<string, number>;
  close(): Promise<void>;
}

/** Starts a Redis of its own. The Soketi may serve other worlds as well, if their users have other names. */
export async function openWorld({ of }: Bundles, { pusher }: TestSoketi): Promise<World> {
  const redis = await startRedis();
  const env = { REDIS_URL: redis.url, ...pusherEnvOf(pusher, pusher.port) };
  const processes: ScriptProcess[] = [];
  const start = async (
    version: Version,
    name: (typeof SCRIPTS)[number],
    more: Record<string, string> = {},
    args: readonly string[] = [],
  ) => {
    const started = await startScript(of[version][name], { ...env, ...more }, `${name} ready`, args);
    processes.push(started);
    return started;
  };
  return {
    redis,
    async startServer(version) {
      const script = await start(version, 'server');
      return addCalls(script, `http://${LOOPBACK}:${portOf(script)}`);
    },
    startWorker: (version, tasks, concurrency = 2) =>
      start(version, 'worker', { CONCURRENCY: String(concurrency) }, [version, ...tasks]),
    async openPages(version, pages) {
      const script = await start(version, 'page', { PAGES: JSON.stringify(pages) });
      const url = `http://${LOOPBACK}:${portOf(script)}`;
      return async () => (await fetch(url)).json() as Promise<PageReport[]>;
    },
    runs(name) {
      const runs = new Map<string, number>();
      for (const { output } of processes) {
        for (const [, id = ''] of output().matchAll(new RegExp(`^ran ${name} (.+)$`, 'gm')))
          runs.set(id, (runs.get(id) ?? 0) + 1);
      }
      return runs;
    },
    async close() {
      await Promise.all(processes.map((script) => script.kill()));
      await redis.stop();
    },
  };
}

/** The port that a script has told in a line `port …`. */
function portOf(script: ScriptProcess): string {
  return /^port (\d+)$/m.exec(script.output())?.[1] ?? '';
}

function addCalls(script: ScriptProcess, url: string): Server {
  const call = async (user: string, path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
    const response = await fetch(`${url}/tasks${path}`, { ...init, headers: { 'x-user': user, ...init.headers } });
    if (!response.ok && response.status !== 304)
      throw new Error(`${init.method ?? 'GET'} ${path} answered ${response.status}: ${await response.text()}`);
    return response;
  };
  const post = async (user: string, path: string, body: unknown = {}): Promise<Snapshot> => {
    const headers = { 'content-type': 'application/json' };
    return (
      await call(user, path, { method: 'POST', headers, body: JSON.stringify(body) })
    ).json() as Promise<Snapshot>;
  };
  const waitFor: Server['waitFor'] = async (user, id, isThere) => {
    let headers: Record<string, string> = {};
    for (;;) {
      const response = await call(user, `/${id}`, { headers });
      if (response.status !== 304) {
        const task = (await response.json()) as Snapshot;
        if (isThere(task)) return task;
        headers = { prefer: 'wait=10', 'if-none-match': response.headers.get('etag') ?? '' };
      }
    }
  };
  return {
    ...script,
    url,
    start: (user, name, input = {}) => post(user, '', { name, input }),
    list: async (user) => ((await (await call(user, '?state=all&limit=100')).json()) as { tasks: Snapshot[] }).tasks,
    cancel: (user, id) => post(user, `/${id}/cancel`),
    retry: (user, id) => post(user, `/${id}/retry`),
    waitFor,
    waitForEnd: (user, id) => waitFor(user, id, isFinished),
  };
}
