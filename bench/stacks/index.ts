// The stacks by name. A process loads the one stack that it runs.
import type { ClientKind, Stack } from './stack.ts';

/** For each stack: how its pages are told, and what it is in one line (for docs/performance.md). */
export const STACKS = {
  'queue-only': { client: 'none', is: 'bee-queue alone; nobody is told' },
  'pusher-per-element': { client: 'pusher', is: 'bee-queue, and one awaited `pusher.trigger` an element' },
  'bullmq-socketio': {
    client: 'socket.io',
    is: 'BullMQ, `updateProgress` an element, QueueEvents → Socket.IO rooms',
  },
  'status-row': { client: 'poll', is: 'bee-queue, a status row every 100 elements, polled every 500 ms' },
  inloop: { client: 'pusher', is: 'inloop, everything on, as README.md shows it' },
  'inloop-accuracy-5': { client: 'pusher', is: 'the same with `accuracy: 0.05`: a bar may be off by 5 %' },
} as const satisfies Readonly<Record<string, { client: ClientKind; is: string }>>;

export type StackName = keyof typeof STACKS;

const LOADERS: Readonly<Record<StackName, () => Promise<Stack>>> = {
  'queue-only': async () => (await import('./queue-only.ts')).queueOnly,
  'pusher-per-element': async () => (await import('./pusher-per-element.ts')).pusherPerElement,
  'bullmq-socketio': async () => (await import('./bullmq-socketio.ts')).bullmqSocketio,
  'status-row': async () => (await import('./status-row.ts')).statusRow,
  inloop: async () => (await import('./inloop.ts')).inloop,
  'inloop-accuracy-5': async () => (await import('./inloop.ts')).inloopAccuracy5,
};

/** @throws Error if there is no stack of that name */
export function loadStack(name: string): Promise<Stack> {
  const load = LOADERS[name as StackName];
  if (!load) throw new Error(`There is no stack named ${name}.`);
  return load();
}
