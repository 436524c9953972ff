// A worker, until SIGTERM. Its arguments are the name of its version and the names of the tasks that it handles. world.ts bundles
// it with the `inloop` of each version. Each start of a handler is a line `ran <name> <id>` of its output.
import { setTimeout as wait } from 'node:timers/promises';
import type { AnyTaskDefinition } from 'inloop';
import { createBackend, pusherFromEnv } from 'inloop/backend';
import { createTaskWorker, type Handler } from 'inloop/worker';
import { ALL, changeSides, childOf, count, endless, family, held, keyed, late, quick, shared } from './tasks.ts';
import { VERSIONS, type Version } from './versions.ts';

const by = process.argv[2] as Version;
const handled = process.argv.slice(3);

const backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const concurrency = Number(process.env.CONCURRENCY);
const worker = createTaskWorker({ backend, concurrency, drain: '10s', grace: '300ms', stallInterval: '500ms' });

/** Gives the worker a handler, if it is to handle this task. */
function handle<D extends AnyTaskDefinition>(definition: D, handler: Handler<D>): void {
  if (!handled.includes(definition.name)) return;
  worker.handle(definition, (input, task) => {
    console.log(`ran ${definition.name} ${task.id}`);
    return handler(input, task);
  });
}

for (const on of VERSIONS) {
  handle(count[on], async ({ steps }, task) => {
    for (let done = 1; done <= steps; done++) {
      await wait(50, undefined, { signal: task.signal });
      task.progress({ done, total: steps });
    }
    return { by };
  });
  handle(endless[on], (_input, task) => wait(600_000, undefined, { signal: task.signal }));
  handle(late[on], (_input, task) => wait(600_000, undefined, { signal: task.signal }));
  handle(family[on], async (_input, task) => {
    for (const key of ['first', 'second']) await task.start(childOf(on), { steps: 2 }, { key });
    return { by };
  });
}
handle(changeSides, ({ first }, task) => {
  const { failedIn } = task.checkpointed ?? {};
  if (failedIn !== undefined && by !== first) return { by, failedIn };
  if (by === first) task.checkpoint({ failedIn: by });
  throw new Error('The other version is to take it.');
});
handle(keyed, async ({ on }) => {
  const from = Date.now();
  if (by !== on) throw new Error('The other version is to take it.');
  await wait(20);
  return { by, from, until: Date.now() };
});
handle(shared, async (_input, task) => {
  task.progress({ done: 0, total: 1, note: by });
  await wait(600_000, undefined, { signal: task.signal });
});
handle(quick, async () => {
  await wait(30);
  return { by };
});
handle(held, async (_input, task) => {
  if (task.attempt > 1) return { by, from: task.checkpointed?.by ?? null };
  task.progress({ done: 1, total: 2 });
  // A process that was frozen goes on here after another one has ended the task. Redis refuses its checkpoints and its result.
  for (let n = 0; !task.signal.aborted; n++) {
    task.checkpoint({ by, n });
    await wait(100, undefined, { signal: task.signal }).catch(() => undefined);
  }
  return { by, from: null };
});

const unknown = handled.filter((name) => !ALL.some((definition) => definition.name === name));
if (unknown.length > 0) throw new Error(`There is no task ${unknown.join(', ')} in tasks.ts.`);
const running = worker.run({ signal: stop.signal });
console.log('worker ready');
await running;
await backend.close();
