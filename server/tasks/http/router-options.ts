/** What the task router is made with. It serves `router.ts` and the files of its routes. */

import type { Request } from 'express';
import type { ServerBackend } from '../../../backend/server-backend.ts';
import type { Identify } from '../../options.ts';
import type { OriginRule } from '../../origins.ts';
import type { TaskOperations } from '../operations.ts';
import type { TaskRemovals } from '../removals.ts';
import type { Waiting } from './waiting.ts';

export interface RouterOptions {
  readonly backend: ServerBackend;
  readonly operations: TaskOperations;
  readonly removals: TaskRemovals;
  readonly identify: Identify;
  /** The path of the router, as the browser sees it. */
  readonly pathOf: (req: Request) => string;
  /** The host that the browser of this request used, with its port unless that is the default one. */
  readonly hostOf: (req: Request) => string | undefined;
  readonly waiting: Waiting;
  readonly origins: OriginRule;
  /** Longest `Prefer: wait`, in seconds. */
  readonly waitSeconds: number;
  /** How long a body may take to arrive, in seconds. */
  readonly bodySeconds: number;
  /** Whether pages may sign in to the bus as the owner. */
  readonly userSignIn: boolean;
  /** Aborts when the server is to end. */
  readonly signal: AbortSignal | undefined;
}
