// A small steady load: tasks that are started one after the other, at the servers that are there.
import { setTimeout as wait } from 'node:timers/promises';
import type { Server } from './world.ts';

/** Between two starts, in ms. */
const PAUSE_MS = 60;

export interface SteadyLoad {
  /** From now on only these servers are asked. Resolves when no other one has a request, as behind a load balancer. */
  sendTo(servers: readonly Server[]): Promise<void>;
  /** Resolves with all tasks that were started. @throws what a server refused one with */
  stop(): Promise<readonly StartedTask[]>;
}

export interface StartedTask {
  readonly user: string;
  readonly id: string;
}

/**
 * Starts tasks `quick` of each user in turn, at each server in turn. Give several users: a server that stops first sends the events
 * that its users' budgets hold back, which takes longer the fewer users there are.
 */
export function startLoad(servers: readonly Server[], users: readonly string[]): SteadyLoad {
  const started: StartedTask[] = [];
  let asked = servers;
  let isOver = false;
  let request: Promise<unknown> = Promise.resolve();
  const running = (async () => {
    for (let n = 0; !isOver; n++) {
      const [server, user] = [asked[n % asked.length], users[n % users.length]];
      if (server === undefined || user === undefined) throw new Error('The load needs a server and a user.');
      const start = server.start(user, 'quick');
      request = start;
      started.push({ user, id: (await start).id });
      await wait(PAUSE_MS);
    }
  })();
  // `stop` throws the error.
  running.catch(() => undefined);
  return {
    async sendTo(next) {
      asked = next;
      await request;
    },
    async stop() {
      isOver = true;
      await running;
      return started;
    },
  };
}
