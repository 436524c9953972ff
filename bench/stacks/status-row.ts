// The stack `status-row`: the worker writes a status row every 100 elements, and pages poll it every 500 ms. Written
// carefully: one request reads all tasks of a user in one round trip to Redis, and a page polls only while it has tasks
// that have not ended.
import { createClient } from '@redis/client';
import { acceptWith } from './accept-route.ts';
import { consume, createProducer } from './bee-queue.ts';
import { NO_COUNTS, type Stack, type StackEnv, userOf } from './stack.ts';
import { createWork, resultOf, type TaskInput } from './task.ts';

/** After how many elements a row is written. */
const WRITE_EVERY = 100;
/** How long the rows of a user are kept after the last change. */
const KEEP_S = 7 * 24 * 3_600;

const rowOf = (user: string) => `status:${user}`;

/** The rows of a user are the fields of one hash: a task's number, and its status as JSON. */
async function connect(env: StackEnv) {
  const client = createClient({ url: env.REDIS_URL as string });
  client.on('error', (error: Error) => console.error(error.message));
  await client.connect();
  const write = async ({ user, n }: TaskInput, status: object) => {
    await client
      .multi()
      .hSet(rowOf(user), String(n), JSON.stringify(status))
      .expire(rowOf(user), KEEP_S)
      .execAsPipeline();
  };
  return { client, write };
}

export const statusRow: Stack = {
  async startServer(env) {
    const jobs = await createProducer(env);
    const { client, write } = await connect(env);
    const add = async (input: TaskInput) => {
      await write(input, { status: 'queued', done: 0, total: input.elements });
      return jobs.add(input);
    };
    return {
      mount(app) {
        acceptWith(app, add);
        app.get('/tasks', async (req, res) => {
          const rows = await client.hGetAll(rowOf(userOf(req)));
          res.json({ tasks: Object.values(rows).map((row) => JSON.parse(row)) });
        });
      },
      start: async (input) => void (await add(input)),
      counts: () => NO_COUNTS,
      async close() {
        await jobs.close();
        client.destroy();
      },
    };
  },

  async startWorker(env, { concurrency, marks }) {
    const { client, write } = await connect(env);
    const consumer = await consume(env, concurrency, async (input) => {
      marks.began(input.n);
      const workOn = createWork(input);
      for (let done = 1; done <= input.elements; done++) {
        const wait = workOn(done);
        if (wait) await wait;
        if (done % WRITE_EVERY === 0) await write(input, { status: 'running', done, total: input.elements });
      }
      marks.done(input.n);
      const result = resultOf(input);
      await write(input, { status: 'succeeded', done: input.elements, total: input.elements, result });
      marks.returned(input.n);
      return result;
    });
    return {
      counts: () => NO_COUNTS,
      async close() {
        await consumer.close();
        client.destroy();
      },
    };
  },
};
