// What the bench asks of a stack: a server's half, a worker's half, and how its clients hear.
import type { Server } from 'node:http';
import type { Express } from 'express';
import type { Marks, TaskInput } from './task.ts';

/** How the clients of a stack hear of their tasks. */
export type ClientKind = 'pusher' | 'socket.io' | 'poll' | 'none';

/** What was sent since the process started. */
export interface Counts {
  /** Requests to the bus. */
  readonly calls: number;
  /** Events in them. */
  readonly events: number;
}

export const NO_COUNTS: Counts = { calls: 0, events: 0 };

/** The half in the web process. */
export interface StackServer {
  /** Adds its routes; `POST /imports` validates a task input, accepts the task, and answers 202. */
  mount(app: Express, server: Server): void;
  /** Accepts a task, as the route does. */
  start(input: TaskInput): Promise<void>;
  counts(): Counts;
  close(): Promise<void>;
}

/** The half in the worker process; it works from the moment it is there. */
export interface StackWorker {
  counts(): Counts;
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly concurrency: number;
  /** Noted by each handler. */
  readonly marks: Marks;
}

export interface Stack {
  startServer(env: StackEnv): Promise<StackServer>;
  startWorker(env: StackEnv, options: WorkerOptions): Promise<StackWorker>;
}

/** `REDIS_URL` and the `PUSHER_*` variables of .env.example: one Redis and one Soketi for all stacks. */
export type StackEnv = Readonly<Record<string, string | undefined>>;

/** Who asks, in every stack: the development stand-in for a session. */
export function userOf(req: { get(name: string): string | undefined }): string {
  return req.get('x-user') ?? 'nobody';
}
