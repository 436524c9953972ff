// Mistakes that somebody new to inloop makes, of which an error tells at once. For mistakes.test.ts.
import { z } from 'zod';
import { pusherFromEnv } from '../../../backend/push/bus/pusher-env.ts';
import { createTaskFeed } from '../../../client/feed/connect-tasks.ts';
import type { FeedOptions } from '../../../client/feed/options.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { TaskServerOptions } from '../../../server/options.ts';
import { createTaskServer } from '../../../server/task-server.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { recordLog } from '../../support/log.ts';
import { loadSecondCopy } from './second-copy.ts';
import { backendWith, type Made, type Mistakes, report, type World } from './world.ts';

/** Another definition with the name of `report`. */
const other = defineTask({ name: 'report', input: z.object({}) });

export const atStart: Mistakes = {
  'no identify': withBackend((backend) =>
    createTaskServer({ backend, tasks: [report] } as unknown as TaskServerOptions),
  ),
  'no bus variables': withBackend(() => pusherFromEnv({})),
  'a placeholder in production': withBackend(() =>
    pusherFromEnv({ NODE_ENV: 'production', PUSHER_APP_ID: 'a', PUSHER_KEY: 'b', PUSHER_SECRET: 'secret-change-me' }),
  ),
  'two definitions of one name': withBackend((backend) =>
    createTaskServer({ backend, tasks: [report, other], identify: () => null }),
  ),
  'two handlers of one definition': withBackend((backend) =>
    createTaskWorker({ backend })
      .handle(report, async () => null)
      .handle(other, async () => null),
  ),
  'two copies of a definition': withBackend((backend) =>
    createTaskServer({ backend, tasks: [report], identify: () => null }).start(other, {}, { owner: 'ada' }),
  ),
  async 'two versions of the package'({ bus }) {
    const copy = await loadSecondCopy('99.0.0');
    const { createBackend, pusherFromEnv: pusherOf } = copy.inloop;
    const backend = createBackend({ redis: bus.env.REDIS_URL as string, pusher: pusherOf(bus.env), log: recordLog() });
    const lines = await errorsOf(() => createTaskServer({ backend, tasks: [report], identify: () => null }));
    return {
      lines: () => lines,
      async end() {
        await backend.close();
        copy.remove();
      },
    };
  },
  'no pusher-js in connectTasks': withBackend(() => createTaskFeed({ url: 'http://localhost/tasks' } as FeedOptions)),
};

/** A mistake: `make` is called with a backend of its own. What it throws is the line that its maker sees. */
function withBackend(make: (backend: ReturnType<typeof backendWith>['backend']) => unknown) {
  return async ({ bus }: World): Promise<Made> => {
    const { backend } = backendWith(bus.env);
    const lines = await errorsOf(() => make(backend));
    return { lines: () => lines, end: () => backend.close() };
  };
}

/** The message of what `make` throws. Empty if it throws nothing. */
async function errorsOf(make: () => unknown): Promise<readonly string[]> {
  try {
    await make();
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}
