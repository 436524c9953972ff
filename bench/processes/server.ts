// The web process of a stack. The argument names the stack; PORT in the environment is where it listens.
import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';
import express from 'express';
import { now, pause } from '../measure/clock.ts';
import { heapInUse } from '../measure/heap.ts';
import { loadStack } from '../stacks/index.ts';
import type { TaskInput } from '../stacks/task.ts';
import { answerCalls } from './bench-process.ts';

/** How many tasks `start` accepts at the same time. */
const MAX_STARTING = 20;

const stack = await loadStack(process.argv[2] ?? '');
const half = await stack.startServer(process.env);
const app = express().disable('x-powered-by');
const server = createServer(app);
half.mount(app, server);
await new Promise<void>((resolve) => server.listen(Number(process.env.PORT), '127.0.0.1', resolve));

answerCalls(
  {
    /** Accepts these tasks as fast as possible. @returns when it began, on the bench's clock */
    async start(inputs: readonly TaskInput[]) {
      const began = now();
      const waiting = [...inputs].reverse();
      const starter = async () => {
        for (let input = waiting.pop(); input; input = waiting.pop()) await half.start(input);
      };
      await Promise.all(Array.from({ length: MAX_STARTING }, starter));
      return began;
    },
    /** Accepts these tasks one after the other, with a pause of `ms` after each. */
    async startEvery({ inputs, ms }: { inputs: readonly TaskInput[]; ms: number }) {
      for (const input of inputs) {
        await half.start(input);
        await pause(ms);
      }
    },
    counts: () => half.counts(),
    /** Heap in use after a garbage collection, in MB. */
    heap: () => heapInUse() / 2 ** 20,
    /** For how long the event loop has been busy and idle since the process started. */
    loop: async () => performance.eventLoopUtilization(),
  },
  async () => {
    server.closeAllConnections();
    server.close();
    await half.close();
  },
);
