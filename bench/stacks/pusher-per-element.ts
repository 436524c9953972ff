// The stack `pusher-per-element`: what most people write. The worker triggers one event for each element and waits for
// it; the outcome is one more event. Written carefully: private channels, a deadline, and a trigger that fails does not
// fail the work.
import express from 'express';
import Pusher from 'pusher';
import { acceptWith } from './accept-route.ts';
import { consume, createProducer } from './bee-queue.ts';
import { NO_COUNTS, type Stack, type StackEnv, userOf } from './stack.ts';
import { createWork, resultOf } from './task.ts';

const channelOf = (user: string) => `private-user-${user}`;

/** A client of the SDK with its defaults and those of Node: connections are kept alive. */
export function createPusher(env: StackEnv): Pusher {
  return new Pusher({
    appId: env.PUSHER_APP_ID as string,
    key: env.PUSHER_KEY as string,
    secret: env.PUSHER_SECRET as string,
    host: env.PUSHER_HOST as string,
    port: env.PUSHER_PORT as string,
    useTLS: false,
    timeout: 5_000,
  });
}

export const pusherPerElement: Stack = {
  async startServer(env) {
    const jobs = await createProducer(env);
    const pusher = createPusher(env);
    return {
      mount(app) {
        acceptWith(app, (input) => jobs.add(input));
        app.post('/tasks/auth', express.urlencoded({ extended: false }), (req, res) => {
          const { socket_id: socketId, channel_name: channel } = req.body as Record<string, string>;
          if (!socketId || channel !== channelOf(userOf(req))) res.sendStatus(403);
          else res.json(pusher.authorizeChannel(socketId, channel));
        });
      },
      start: async (input) => void (await jobs.add(input)),
      counts: () => NO_COUNTS,
      close: () => jobs.close(),
    };
  },

  async startWorker(env, { concurrency, marks }) {
    const pusher = createPusher(env);
    let calls = 0;
    const trigger = async (user: string, event: string, data: object) => {
      calls += 1;
      try {
        await pusher.trigger(channelOf(user), event, data);
      } catch (error) {
        console.error(`The bus did not take ${event}: ${(error as Error).name}`);
      }
    };
    const consumer = await consume(env, concurrency, async (input, id) => {
      marks.began(input.n);
      const workOn = createWork(input);
      for (let done = 1; done <= input.elements; done++) {
        const wait = workOn(done);
        if (wait) await wait;
        await trigger(input.user, 'task.progress', { id, done, total: input.elements });
      }
      marks.done(input.n);
      const result = resultOf(input);
      await trigger(input.user, 'task.succeeded', { id, result });
      marks.returned(input.n);
      return result;
    });
    return { counts: () => ({ calls, events: calls }), close: () => consumer.close() };
  },
};
