// The stack `queue-only`: bee-queue alone. It does the work and tells nobody. The other stacks are compared with it.
import { acceptWith } from './accept-route.ts';
import { consume, createProducer } from './bee-queue.ts';
import { NO_COUNTS, type Stack } from './stack.ts';
import { createWork, resultOf } from './task.ts';

export const queueOnly: Stack = {
  async startServer(env) {
    const jobs = await createProducer(env);
    return {
      mount: (app) => acceptWith(app, (input) => jobs.add(input)),
      start: async (input) => void (await jobs.add(input)),
      counts: () => NO_COUNTS,
      close: () => jobs.close(),
    };
  },

  async startWorker(env, { concurrency, marks }) {
    const consumer = await consume(env, concurrency, async (input) => {
      marks.began(input.n);
      const workOn = createWork(input);
      for (let done = 1; done <= input.elements; done++) {
        const wait = workOn(done);
        if (wait) await wait;
      }
      marks.done(input.n);
      marks.returned(input.n);
      return resultOf(input);
    });
    return { counts: () => NO_COUNTS, close: () => consumer.close() };
  },
};
