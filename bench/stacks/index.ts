// The stacks by name. Each is loaded by its own processes only.
import type { ClientKind, Stack } from './stack.ts';

/** What each stack is, in one line for the screen and docs/performance.md, and how its pages hear. */
export const STACKS = {
  none: { client: 'none', is: 'bee-queue alone; nobody is told' },
  s1: { client: 'pusher', is: 'bee-queue, and one awaited `pusher.trigger` an element' },
  s3: { client: 'socket.io', is: 'BullMQ, `updateProgress` an element, QueueEvents → Socket.IO rooms' },
  s4: { client: 'poll', is: 'bee-queue, a status row every 100 elements, polled every 500 ms' },
  inloop: { client: 'pusher', is: 'inloop, everything on, as README.md shows it' },
  'inloop-thrifty': { client: 'pusher', is: 'the same with the setting for plans that count messages' },
} as const satisfies Readonly<Record<string, { client: ClientKind; is: string }>>;

export type StackName = keyof typeof STACKS;

const LOADERS: Readonly<Record<StackName, () => Promise<Stack>>> = {
  none: async () => (await import('./none.ts')).none,
  s1: async () => (await import('./s1.ts')).s1,
  s3: async () => (await import('./s3.ts')).s3,
  s4: async () => (await import('./s4.ts')).s4,
  inloop: async () => (await import('./inloop.ts')).inloop,
  'inloop-thrifty': async () => (await import('./inloop.ts')).inloopThrifty,
};

export function loadStack(name: string): Promise<Stack> {
  const load = LOADERS[name as StackName];
  if (!load) throw new Error(`There is no stack named ${name}.`);
  return load();
}
