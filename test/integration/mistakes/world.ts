// What the tests of first mistakes share: real parts, and helpers for an app that is set up wrongly.
import type { Browser } from 'playwright-core';
import { z } from 'zod';
import { type Backend, createBackend } from '../../../backend/backend.ts';
import { pusherFromEnv } from '../../../backend/push/bus/pusher-env.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { recordLog } from '../../support/log.ts';
import type { TestBus } from '../../support/parts.ts';
import type { Bundle } from '../../support/processes/script-process.ts';

export interface World {
  readonly bus: TestBus;
  readonly browser: Browser;
  /** A worker process, whose handler of `block` blocks the event loop. */
  readonly worker: Bundle;
  /** For pages: with pusher-js, and without. */
  readonly scripts: { readonly script: string; readonly bare: string };
}

/** A mistake that was made. */
export interface Made {
  /** What its maker sees so far: errors, lines of the log, or of the console. */
  lines(): readonly string[];
  end(): Promise<void>;
}

/** By name of the mistake, as docs/troubleshooting.md has it. Each resolves once the mistake is made. */
export type Mistakes = Readonly<Record<string, (world: World) => Promise<Made>>>;

/** The definition of most mistakes. */
export const report = defineTask({ name: 'report', input: z.object({}) });

/** A backend whose keys are its own, and the lines of its log with their fields. */
export function backendWith(env: Readonly<Record<string, string>>): { backend: Backend; lines: () => string[] } {
  const log = recordLog();
  const backend = createBackend({
    redis: env.REDIS_URL as string,
    pusher: pusherFromEnv(env),
    prefix: `mistake-${Math.random().toString(36).slice(2)}:`,
    log,
  });
  return { backend, lines: () => log.lines.map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`) };
}
