/** The commands of a row: cancel and retry. A click does nothing while a command of the same task waits for its answer. */

import type { TaskError } from '../../../core/error.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { isolate } from '../../headless/words/plain-text.ts';
import { explain, type Wording } from '../../headless/words/wording.ts';

export class RowCommands {
  /** Grows whenever a command starts or ends, so that rows know when to draw again. */
  changes = 0;
  /** Ids of tasks whose command waits for its answer. Each user gets a new set. */
  #busy = new Set<string>();
  /** Why the last command of a task failed, in words; by task id. */
  readonly #errors = new Map<string, string>();
  readonly #words: () => Wording;
  readonly #onChange: () => void;
  #feed: TaskFeed | undefined;

  constructor(words: () => Wording, onChange: () => void) {
    this.#words = words;
    this.#onChange = () => {
      this.changes++;
      onChange();
    };
  }

  /** Switches to another feed, or to another user of the same one. Answers to earlier commands are ignored. */
  reset(feed: TaskFeed | undefined): void {
    this.#feed = feed;
    this.#busy = new Set();
    this.#errors.clear();
  }

  isBusy(id: string): boolean {
    return this.#busy.has(id);
  }

  /** Why the last command of task `id` failed, in words; '' where it did not. */
  errorOf(id: string): string {
    return this.#errors.get(id) ?? '';
  }

  run(action: 'cancel' | 'retry', id: string): void {
    const feed = this.#feed;
    if (!feed || this.#busy.has(id)) return;
    // If `reset` has replaced the set when the answer comes, the answer is for the user before.
    const busy = this.#busy;
    busy.add(id);
    this.#errors.delete(id);
    this.#onChange();
    feed[action](id)
      .catch((error: TaskError) => {
        if (busy !== this.#busy) return undefined;
        // 409: the status has changed in the meantime. The task as it is now tells more than an error.
        if (error.status === 409)
          return feed.load(id).then(
            () => {},
            () => {},
          );
        const words = this.#words();
        this.#errors.set(id, words.commandFailed(isolate(explain(error, words), words.locale)));
      })
      .finally(() => {
        busy.delete(id);
        this.#onChange();
      });
  }
}
