/** The commands of a row: cancel, retry and dismiss. While one of them waits for its answer, its task gets no other one. */

import type { TaskError } from '../../../core/error.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { isolate } from '../../headless/words/plain-text.ts';
import { explain, type Wording } from '../../headless/words/wording.ts';

export interface RowCommands {
  /** Grows whenever a command starts or ends, so that rows know when to draw again. */
  readonly changes: number;
  /** Switches to another feed, or to another user of the same one. Answers to earlier commands are ignored. */
  reset(feed: TaskFeed | undefined): void;
  isBusy(id: string): boolean;
  /** Why the last command of task `id` failed, in words; '' where it did not. */
  errorOf(id: string): string;
  run(action: 'cancel' | 'retry' | 'dismiss', id: string): void;
}

/** @param onChange called after each change of `changes` */
export function createRowCommands(getWords: () => Wording, onChange: () => void): RowCommands {
  let changes = 0;
  /** Ids of tasks whose command waits for its answer. Each user gets a new set. */
  let busy = new Set<string>();
  /** Why the last command of a task failed, in words; by task id. */
  const errors = new Map<string, string>();
  let feed: TaskFeed | undefined;

  function change(): void {
    changes++;
    onChange();
  }

  return {
    get changes() {
      return changes;
    },
    reset(next) {
      feed = next;
      busy = new Set();
      errors.clear();
    },
    isBusy: (id) => busy.has(id),
    errorOf: (id) => errors.get(id) ?? '',
    run(action, id) {
      const followed = feed;
      if (!followed || busy.has(id)) return;
      // If `reset` has replaced the set when the answer comes, the answer is for the user before.
      const own = busy;
      own.add(id);
      errors.delete(id);
      change();
      followed[action](id)
        .catch(async (error: TaskError) => {
          if (own !== busy) return;
          const words = getWords();
          // `not_retryable` and the like: the status has changed in the meantime. The task as it is now tells more than an error.
          if (/^not.+able$/.test(error.code)) await followed.load(id).catch(() => {});
          else errors.set(id, words.commandFailed(isolate(explain(error, words), words.locale)));
        })
        .finally(() => {
          own.delete(id);
          change();
        });
    },
  };
}
