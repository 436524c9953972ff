// The stack `bullmq-socketio`: the worker calls BullMQ's `updateProgress` for each element; the server hears it through
// QueueEvents and sends it to the Socket.IO room of the user. Written carefully: the job's id contains the user, so that
// no event needs a look-up; pages use WebSockets from the start; up to 1,000 completed jobs, and all failed ones, are kept for an hour.
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Server as SocketServer } from 'socket.io';
import { acceptWith } from './accept-route.ts';
import { NO_COUNTS, type Stack, type StackEnv } from './stack.ts';
import { createWork, resultOf, type TaskInput } from './task.ts';

const NAME = 'import';

function connectionOf(env: StackEnv) {
  const { hostname, port } = new URL(env.REDIS_URL as string);
  return { host: hostname, port: Number(port), maxRetriesPerRequest: null };
}

const userOfJob = (jobId: string): string => jobId.slice(0, jobId.lastIndexOf('.'));

export const bullmqSocketio: Stack = {
  async startServer(env) {
    const connection = connectionOf(env);
    const queue = new Queue<TaskInput>(NAME, {
      connection,
      defaultJobOptions: { attempts: 3, removeOnComplete: { age: 3_600, count: 1_000 }, removeOnFail: { age: 3_600 } },
    });
    const events = new QueueEvents(NAME, { connection });
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
    const io = new SocketServer({ serveClient: false });
    let started = 0;
    let sent = 0;
    const tell = (jobId: string, event: string, data: object) => {
      sent += 1;
      io.to(userOfJob(jobId)).emit(event, { id: jobId, ...data });
    };
    events.on('progress', ({ jobId, data }) => tell(jobId, 'task.progress', data as object));
    events.on('completed', ({ jobId, returnvalue }) => tell(jobId, 'task.succeeded', { result: returnvalue }));
    events.on('failed', ({ jobId, failedReason }) => tell(jobId, 'task.failed', { message: failedReason }));
    const add = async (input: TaskInput) => {
      started += 1;
      const job = await queue.add(NAME, input, { jobId: `${input.user}.${started}` });
      return job.id as string;
    };
    return {
      mount(app, server) {
        acceptWith(app, add);
        io.attach(server);
        io.use((socket, next) => {
          const user = socket.handshake.auth.user as unknown;
          if (typeof user !== 'string') return next(new Error('Sign in first.'));
          void socket.join(user);
          next();
        });
      },
      start: async (input) => void (await add(input)),
      counts: () => ({ calls: 0, events: sent }),
      async close() {
        await io.close();
        await Promise.all([queue.close(), events.close()]);
      },
    };
  },

  async startWorker(env, { concurrency, marks }) {
    const worker = new Worker<TaskInput>(
      NAME,
      async (job) => {
        const input = job.data;
        marks.began(input.n);
        const workOn = createWork(input);
        for (let done = 1; done <= input.elements; done++) {
          const wait = workOn(done);
          if (wait) await wait;
          await job.updateProgress({ done, total: input.elements });
        }
        marks.done(input.n);
        marks.returned(input.n);
        return resultOf(input);
      },
      { connection: connectionOf(env), concurrency },
    );
    worker.on('error', (error) => console.error(error.message));
    await worker.waitUntilReady();
    return { counts: () => NO_COUNTS, close: () => worker.close() };
  },
};
