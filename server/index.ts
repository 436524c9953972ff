/** `inloop/server`: start tasks from an Express app and let their owners follow them. */

export { attachFallback, type Fallback } from './fallback/attach.ts';
export type { FallbackLimits, FallbackOptions } from './fallback/options.ts';
export type { Identify, TaskServerLimits, TaskServerOptions } from './options.ts';
export { type SameOriginOptions, sameOrigin } from './origins.ts';
export { problemHandler, sendProblem } from './problem.ts';
export { createTaskServer, type TaskServer } from './task-server.ts';
export type { StartOptions } from './tasks/operations.ts';
