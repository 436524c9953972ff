// The stacks `inloop` and `inloop-accuracy-5`: inloop with everything that it does by default (stored record, revisions,
// fencing, signs of life, inbox, retention, cancelling, retries, sweeper, webhooks), written as README.md shows it.
import express from 'express';
import { defineTask } from 'inloop';
import { type Backend, type BackendOptions, createBackend, pusherFromEnv } from 'inloop/backend';
import { attachFallback, createTaskServer, type Fallback } from 'inloop/server';
import { createTaskWorker } from 'inloop/worker';
import { type Counts, type Stack, type StackEnv, userOf } from './stack.ts';
import { createWork, resultOf, type TaskInput, taskInput, taskResult } from './task.ts';

const importContacts = defineTask({
  name: 'import-contacts',
  input: taskInput,
  output: taskResult,
  title: (input) => `Import ${input.filename}`,
  attempts: 3,
  deadline: '10m',
  browser: true,
});

/** In what the two stacks differ. */
type Settings = Omit<BackendOptions, 'redis' | 'pusher'>;

const openBackend = (env: StackEnv, settings: Settings): Backend =>
  createBackend({ redis: env.REDIS_URL, pusher: pusherFromEnv(env), ...settings });

function countsOf(backend: Backend): Counts {
  const { push_requests: calls = 0, push_events: events = 0 } = backend.counters();
  return { calls, events };
}

function createInloop(settings: Settings): Stack {
  return {
    async startServer(env) {
      const backend = openBackend(env, settings);
      const tasks = createTaskServer({ backend, tasks: [importContacts], identify: (req) => userOf(req) });
      await backend.check();
      let fallback: Fallback | undefined;
      return {
        mount(app, server) {
          fallback = attachFallback(server, { backend });
          app.use('/tasks', tasks.router);
          app.post('/imports', express.json(), async (req, res) => {
            const task = await tasks.start(importContacts, req.body as TaskInput, { owner: userOf(req) });
            tasks.accepted(res, task);
          });
        },
        start: async (input) => void (await tasks.start(importContacts, input, { owner: input.user })),
        counts: () => countsOf(backend),
        async close() {
          fallback?.close();
          await backend.close();
        },
      };
    },

    async startWorker(env, { concurrency, marks }) {
      const backend = openBackend(env, settings);
      const shutdown = new AbortController();
      const worker = createTaskWorker({ backend, concurrency, drain: '1s', grace: '500ms' });
      worker.handle(importContacts, async (input, task) => {
        marks.began(input.n);
        const workOn = createWork(input);
        for (let done = 1; done <= input.elements; done++) {
          const wait = workOn(done);
          if (wait) await wait;
          task.progress({ done, total: input.elements });
        }
        marks.done(input.n);
        marks.returned(input.n);
        return resultOf(input);
      });
      await backend.check();
      const running = worker.run({ signal: shutdown.signal });
      return {
        counts: () => countsOf(backend),
        async close() {
          shutdown.abort();
          await running;
          await backend.close();
        },
      };
    },
  };
}

export const inloop: Stack = createInloop({});

export const inloopAccuracy5: Stack = createInloop({ accuracy: 0.05 });
