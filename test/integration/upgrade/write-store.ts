// `npm run release:store -- 0.2.0`: keeps a store as this version writes it, by real use, with tasks in every status. All later
// versions must be able to go on from it (upgrade.test.ts). Part of a release. It takes about 10 s.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Backend, createBackend } from '../../../backend/backend.ts';
import { pusherFromEnv } from '../../../backend/push/bus/pusher-env.ts';
import { FIELD } from '../../../backend/store/record.ts';
import { CommandError, runMain } from '../../../cli/command-error.ts';
import { TaskError } from '../../../core/error.ts';
import type { AnyTaskDefinition } from '../../../core/tasks/definition.ts';
import { isFinished, type Snapshot, STATUSES, type Status } from '../../../core/tasks/snapshot.ts';
import { createTasks, type Tasks } from '../../../server/tasks/create-tasks.ts';
import type { Handler } from '../../../worker/context.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { eventually } from '../../support/eventually.ts';
import { recordLog } from '../../support/log.ts';
import { NO_BUS } from '../../support/parts.ts';
import { type ScriptProcess, startScript } from '../../support/processes/script-process.ts';
import { startRedis } from '../../support/redis/redis.ts';
import { type KeptStore, readKeys, type StoredKey } from './stored-keys.ts';
import { type Does, family, handedBack, keyed, suspects, UPGRADE_TASKS, work } from './upgrade-tasks.ts';

const FOLDER = 'test/integration/upgrade/stores';
const OWNER = 'ada';
/** How many tasks of a definition a worker runs at once. More are started, so that some have to wait. */
const CONCURRENCY = 3;

/** By the name of a worker of this script: what it handles. The worker `main` also has the hooks. */
const WORKERS: Readonly<Record<string, readonly AnyTaskDefinition[]>> = {
  main: [work, keyed, family],
  'handed-back': [handedBack],
  suspects: [suspects],
};

async function main(): Promise<void> {
  const [, script = '', what = '', kind = ''] = process.argv;
  if (what === 'worker') return runWorker(WORKERS[kind] ?? [], kind === 'main');
  if (!/^\d/.test(what))
    throw new CommandError('Of which version is the store? For example: npm run release:store -- 0.2.0');
  const redis = await startRedis();
  const env = { ...NO_BUS, REDIS_URL: redis.url };
  const backend = openBackend(env);
  const workers: ScriptProcess[] = [];
  const startWorker = async (name: string): Promise<ScriptProcess> => {
    const bundle = { file: script, remove() {} };
    const worker = await startScript(bundle, env, 'worker ready', ['worker', name]);
    workers.push(worker);
    return worker;
  };
  try {
    await useAll(createTasks({ backend, tasks: UPGRADE_TASKS }), startWorker);
    const store: KeptStore = { version: what, readAt: new Date().toISOString(), keys: await readKeys(redis.url) };
    checkComplete(store.keys);
    const file = join(FOLDER, `${what}.json`);
    // One key a line, so that people can read the file.
    const lines = store.keys.map((key) => `    ${JSON.stringify(key)}`).join(',\n');
    writeFileSync(
      file,
      `{\n  "version": ${JSON.stringify(what)},\n  "readAt": ${JSON.stringify(store.readAt)},\n  "keys": [\n${lines}\n  ]\n}\n`,
    );
    console.log(`inloop: ${store.keys.length} keys are in ${file}`);
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()));
    await backend.close();
    await redis.stop();
  }
}

/** Uses everything that leaves something in Redis. Returns when there is a task in every status. */
async function useAll(tasks: Tasks, startWorker: (name: string) => Promise<ScriptProcess>): Promise<void> {
  const start = (
    definition: (typeof UPGRADE_TASKS)[number],
    does: Does,
    options: Partial<Parameters<Tasks['start']>[2]> = {},
  ) => tasks.start(definition, { does, n: '7' }, { owner: OWNER, ...options });
  const until = (id: string, is: (task: Snapshot) => boolean, owner = OWNER) =>
    eventually(async () => is(await tasks.get(owner, id)), { within: 20_000, that: `the task ${id} to get there` });
  const reach = (id: string, status: Status) => until(id, (task) => task.status === status);

  await startWorker('main');
  const ended = [
    await start(work, 'return', { idempotencyKey: 'once' }),
    await start(work, 'return-much'),
    await start(work, 'return'),
    await start(work, 'fail'),
    await start(work, 'return'),
  ];
  for (const { id } of ended) await until(id, isFinished);
  const [, , seen, failed, dismissed] = ended.map(({ id }) => id) as [string, string, string, string, string];
  await tasks.seen(OWNER, [seen]);
  await tasks.retry(OWNER, failed);
  await tasks.dismiss(OWNER, dismissed);
  await tasks.cancel(OWNER, (await start(work, 'return', { delay: '1h' })).id);

  const stopped = await startWorker('handed-back');
  const half = await start(handedBack, 'hang');
  await until(half.id, ({ progress }) => progress?.done === 3);
  await stopped.stop();
  const killed = await startWorker('suspects');
  const [first, second] = [await start(suspects, 'hang'), await start(suspects, 'hang')];
  for (const { id } of [first, second]) await reach(id, 'running');
  await killed.kill();
  for (const { id } of [first, second]) await until(id, ({ status }) => status !== 'running');

  await until((await start(family, 'hang')).id, (task) => task.status === 'running' && task.waitingFor === 'children');
  await reach((await start(keyed, 'hang')).id, 'running');
  await start(keyed, 'return');
  await reach((await start(work, 'fail-once')).id, 'retrying');
  await until((await start(work, 'hang')).id, ({ progress }) => progress?.done === 3);
  const deaf = await start(work, 'ignore-cancel');
  await reach(deaf.id, 'running');
  await tasks.cancel(OWNER, deaf.id);
  // No worker has room for these any more.
  for (const owner of [OWNER, 'bob', 'cleo']) await start(work, 'return', { owner });
  await start(work, 'return', { priority: 'low' });
  await start(work, 'return', { delay: '10s' });
  const { tasks: all } = await tasks.list(OWNER, { state: 'all', limit: 100 });
  const missing = STATUSES.filter((status) => !all.some((task) => task.status === status));
  if (missing.length > 0) throw new CommandError(`No task is ${missing.join(', ')}. Correct write-store.ts.`);
}

/** Fields that a record has only while a request waits, or where traces are recorded. */
const RARE: readonly string[] = [FIELD.waitedUntil, FIELD.trace];
/** The kinds of keys (backend/store/keys.ts) that outlive a process. */
const KINDS =
  'active all counted definitions durations gate gates hook hook-tries hooks idem line parents queue running starts task turns unpublished unseen worker workers';

/** @throws CommandError if a field of records or a kind of key is missing: a later version could not be tried on it */
function checkComplete(keys: readonly StoredKey[]): void {
  const fields = new Set(keys.flatMap((key) => (key.type === 'hash' ? Object.keys(key.value) : [])));
  const kinds = new Set(keys.map(({ key }) => key.split(':')[1]));
  const missing = [
    ...Object.values(FIELD).filter((field) => !fields.has(field) && !RARE.includes(field)),
    ...KINDS.split(' ').filter((kind) => !kinds.has(kind)),
  ];
  if (missing.length === 0) return;
  throw new CommandError(
    `The store has no ${missing.join(', ')} (backend/store/record.ts, keys.ts). Add a use that leaves it to write-store.ts.`,
  );
}

/** Runs the handlers of this version until SIGTERM. In upgrade.test.ts it is the old one. */
async function runWorker(definitions: readonly AnyTaskDefinition[], hasHooks: boolean): Promise<void> {
  const backend = openBackend(process.env);
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  const worker = createTaskWorker({
    backend,
    concurrency: CONCURRENCY,
    drain: '100ms',
    grace: '7d',
    stallInterval: '500ms',
  });
  for (const definition of definitions) worker.handle(definition, definition === family ? startFamily : doWork);
  if (hasHooks) {
    // The first one never succeeds, so that outcomes wait for it.
    worker.onOutcome(() => Promise.reject(new Error('The mail server is away.')));
    worker.onUnseen({ after: '1h' }, () => undefined);
  }
  const running = worker.run({ signal: stop.signal });
  console.log('worker ready');
  await running;
  await backend.close();
}

const doWork: Handler<typeof work> = async ({ does, n }, task) => {
  task.progress({ done: 3, total: 10 });
  if (does === 'fail') throw new TaskError('no_such_file', 'The file is gone.', { retryable: false });
  task.checkpoint({ row: 3 });
  if (does === 'fail-once' && task.attempt === 1) throw new Error('The first attempt fails.');
  if (does === 'ignore-cancel') await new Promise(() => undefined);
  if (does === 'hang') await new Promise((_, reject) => task.signal.addEventListener('abort', reject));
  return { n, text: does === 'return-much' ? 'x'.repeat(20_000) : '' };
};

const startFamily: Handler<typeof family> = async ({ does, n }, task) => {
  for (const child of ['fail', does] as const) await task.start(work, { does: child, n: '7' }, { key: child });
  return { n };
};

function openBackend(env: NodeJS.ProcessEnv): Backend {
  return createBackend({ redis: env.REDIS_URL, pusher: pusherFromEnv(env), log: recordLog() });
}

runMain(main);
