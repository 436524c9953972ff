// First mistakes that end in an error at once.
import { z } from 'zod';
import { pusherFromEnv } from '../../../backend/push/bus/pusher-env.ts';
import { createTaskFeed } from '../../../client/feed/connect-tasks.ts';
import type { FeedOptions } from '../../../client/feed/options.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import type { TaskServerOptions } from '../../../server/options.ts';
import { createTaskServer } from '../../../server/task-server.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { backendWith, type Made, type Mistakes, report, type World } from './world.ts';

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
  'no pusher-js in connectTasks': withBackend(() => createTaskFeed({ url: 'http://localhost/tasks' } as FeedOptions)),
};

function withBackend(make: (backend: ReturnType<typeof backendWith>['backend']) => unknown) {
  return async ({ bus }: World): Promise<Made> => {
    const { backend } = backendWith(bus.env);
    const lines: string[] = [];
    try {
      await make(backend);
    } catch (error) {
      lines.push((error as Error).message);
    }
    return { lines: () => lines, end: () => backend.close() };
  };
}
