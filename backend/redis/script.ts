/**
 * Runs Lua scripts in Redis. It serves everything that sends a script: the task store, the queue and the taker of jobs.
 */

import { createHash } from 'node:crypto';
import type { RedisScripts } from '@redis/client';
import type { Client } from './client.ts';

/** What Redis answers to a script. */
export type Reply = string | number | null | readonly Reply[];

/** A script, ready to be sent. */
export interface Script {
  readonly script: string;
  /** EVALSHA names a script that Redis has by this hash. */
  readonly sha1: string;
}

/** Adds its hash to the text of a script. */
export function toScript(script: string): Script {
  return { script, sha1: createHash('sha1').update(script).digest('hex') };
}

/**
 * Runs a script by its hash. Redis forgets scripts when it restarts. Then the whole script is sent, and Redis has it again.
 * @param args the number of keys, the keys, the arguments
 * @throws what Redis answered, or that the connection was lost
 */
export async function runScript<S extends RedisScripts>(
  client: Client<S>,
  { script, sha1 }: Script,
  args: readonly string[],
): Promise<Reply> {
  try {
    return await client.sendCommand<Reply>(['EVALSHA', sha1, ...args]);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.sendCommand<Reply>(['EVAL', script, ...args]);
  }
}
