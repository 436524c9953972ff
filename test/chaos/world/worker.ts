// A worker of the chaos run. It runs the tasks of the fault tests, and hooks for their outcomes, and notes what they do.
// world.ts bundles, starts and kills it.
import { setTimeout as wait } from 'node:timers/promises';
import { OUTCOME_HOOK } from '../../../backend/hooks/hook-queue.ts';
import type { TaskEvent } from '../../../core/tasks/transition.ts';
import { keyed } from '../../integration/work/processes/fault-tasks.ts';
import { type RowsCheckpoint, runFaultWorker } from '../../integration/work/processes/run-fault-worker.ts';
import { HOOKS, writeNote } from './notes.ts';

/** The events with which an attempt ends. */
const ENDS = new Set<TaskEvent['type']>(['succeed', 'fail', 'release', 'stop']);
/** How long an outcome may stay unseen, in ms. */
const UNSEEN_AFTER_MS = 500;
/** How long a hook takes, in ms: long enough that some are killed in the middle. */
const HOOK_MS = 200;

const file = String(process.env.NOTES);

await runFaultWorker({
  onRows: (task, by, from) => writeNote(file, { what: 'began', task, by, from }),
  prepare(backend, worker) {
    const { store, hooks } = backend;
    const apply = store.apply.bind(store);
    store.apply = async (task, event, options) => {
      const { id, name, title } = task.snapshot;
      if (name === keyed.name && ENDS.has(event.type)) writeNote(file, { what: 'leaves', task: id });
      const applied = await apply(task, event, options);
      // The title of a task `keyed` is its concurrency key.
      if (name === keyed.name && event.type === 'start' && applied.ok)
        writeNote(file, { what: 'entered', task: id, key: title });
      if (applied.ok && options?.checkpoint) {
        const checkpoint = JSON.parse(options.checkpoint) as RowsCheckpoint;
        writeNote(file, { what: 'stored', task: id, checkpoint });
      }
      return applied;
    };
    const noteHook = (what: 'called' | 'returned' | 'finished', hook: (typeof HOOKS)[number], task: string) =>
      writeNote(file, { what, hook, task, pid: process.pid, at: Date.now() });
    const finish = hooks.finish.bind(hooks);
    hooks.finish = async (name, id) => {
      await finish(name, id);
      noteHook('finished', name === OUTCOME_HOOK ? 'outcome' : 'unseen', id);
    };
    const [onOutcome, onUnseen] = HOOKS.map((hook) => async ({ id }: { readonly id: string }) => {
      noteHook('called', hook, id);
      await wait(HOOK_MS);
      noteHook('returned', hook, id);
    });
    if (onOutcome) worker.onOutcome(onOutcome);
    if (onUnseen) worker.onUnseen({ after: UNSEEN_AFTER_MS }, onUnseen);
  },
});
