/** What the user asks the server to do with tasks: start, cancel, retry. It serves the feed. */

import type { AnyTaskDefinition } from '../../../core/tasks/definition.ts';
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import type { Answer, Http } from '../../http.ts';
import type { StartOptions } from '../task-feed.ts';

export interface Commands {
  start(task: AnyTaskDefinition | string, input: unknown, options?: StartOptions): Promise<Snapshot>;
  /** While the same command for the same task is running, its promise is returned, and no second request is sent. */
  send(verb: 'cancel' | 'retry', id: string): Promise<Snapshot>;
  /** Forgets the commands that are running: they are another user's. */
  forget(): void;
}

/** @param receive reads the snapshot in an answer, and merges it into the list */
export function createCommands(http: Http, receive: (answer: Promise<Answer>) => Promise<Snapshot>): Commands {
  /** Commands that wait for their answer, by path. */
  const running = new Map<string, Promise<Snapshot>>();
  return {
    start(task, input, { idempotencyKey } = {}) {
      const name = typeof task === 'string' ? task : task.name;
      const headers = idempotencyKey ? { 'idempotency-key': idempotencyKey } : undefined;
      return receive(http.post('', { name, input }, headers));
    },
    send(verb, id) {
      const path = `/${encodeURIComponent(id)}/${verb}`;
      const same = running.get(path);
      if (same) return same;
      const call = receive(http.post(path)).finally(() => {
        // After a change of user the same path may belong to a later call.
        if (running.get(path) === call) running.delete(path);
      });
      running.set(path, call);
      return call;
    },
    forget: () => running.clear(),
  };
}
