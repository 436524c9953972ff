// What a stack has to implement: a half for the web process and a half for the worker process.
import type { Server } from 'node:http';
import type { Express } from 'express';
import type { Marks } from './marks.ts';
import type { TaskInput } from './task.ts';

/** How the pages of a stack are told about their tasks. */
export type ClientKind = 'pusher' | 'socket.io' | 'poll' | 'none';

/** Messages sent since the process started. */
export interface Counts {
  /** Requests to the bus. */
  readonly calls: number;
  /** Events in them. */
  readonly events: number;
}

/** For a process that sends nothing to the bus. */
export const NO_COUNTS: Counts = { calls: 0, events: 0 };

/** The half in the web process. */
export interface StackServer {
  /** Adds its routes. One of them is `POST /imports`: it validates a task input, accepts the task, and answers 202. */
  mount(app: Express, server: Server): void;
  /** Accepts a task, as the route does. */
  start(input: TaskInput): Promise<void>;
  counts(): Counts;
  close(): Promise<void>;
}

/** The half in the worker process. It takes jobs as soon as it exists. */
export interface StackWorker {
  counts(): Counts;
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly concurrency: number;
  /** Where each handler notes its times. */
  readonly marks: Marks;
}

/** A stack: starts its two halves, each in a process of its own. */
export interface Stack {
  startServer(env: StackEnv): Promise<StackServer>;
  startWorker(env: StackEnv, options: WorkerOptions): Promise<StackWorker>;
}

/** `REDIS_URL` and the `PUSHER_*` variables of .env.example: one Redis and one Soketi for all stacks. */
export type StackEnv = Readonly<Record<string, string | undefined>>;

/** The user of a request: the header `x-user`, in place of a session. */
export function userOf(req: { get(name: string): string | undefined }): string {
  return req.get('x-user') ?? 'nobody';
}
