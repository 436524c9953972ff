// A small steady load: tasks that are started one after the other, at the servers that are there.
import { setTimeout as wait } from 'node:timers/promises';
import type { Server } from './world.ts';

/** Between two starts, in ms. */
const PAUSE_MS = 60;

export interface SteadyLoad {
  /** From now on only these servers are asked. Resolves when no other one has a request, as behind a load balancer. */
  sendTo(servers: readonly Server[]): Promise<void>;
  /** Resolves with the ids of all tasks that were started. @throws what a server refused one with */
  stop(): Promise<readonly string[]>;
}

/** Starts tasks `quick` of `user`, at each server in turn. */
export function startLoad(servers: readonly Server[], user: string): SteadyLoad {
  const ids: string[] = [];
  let asked = servers;
  let isOver = false;
  let request: Promise<unknown> = Promise.resolve();
  const running = (async () => {
    for (let n = 0; !isOver; n++) {
      const start = asked[n % asked.length]?.start(user, 'quick');
      request = start ?? request;
      ids.push((await start)?.id ?? '');
      await wait(PAUSE_MS);
    }
  })();
  // It is told by `stop`.
  running.catch(() => undefined);
  return {
    async sendTo(next) {
      asked = next;
      await request;
    },
    async stop() {
      isOver = true;
      await running;
      return ids;
    },
  };
}
