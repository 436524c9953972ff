/** What the user asks for from a row: cancel and retry. A second click while the first one is on its way does nothing. */

import type { TaskError } from '../../../core/error.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { isolate } from '../../headless/words/plain-text.ts';
import { explain, type Wording } from '../../headless/words/wording.ts';

export class RowCommands {
  /** Grows with each change of what rows show of their commands. */
  generation = 0;
  /** Ids of tasks whose command is on its way. A new set for each user. */
  #busy = new Set<string>();
  readonly #errors = new Map<string, string>();
  readonly #words: () => Wording;
  readonly #onChange: () => void;
  #feed: TaskFeed | undefined;

  constructor(words: () => Wording, onChange: () => void) {
    this.#words = words;
    this.#onChange = () => {
      this.generation++;
      onChange();
    };
  }

  /** Turns to another feed, or to another user of it. Commands on their way are forgotten. */
  reset(feed: TaskFeed | undefined): void {
    this.#feed = feed;
    this.#busy = new Set();
    this.#errors.clear();
  }

  isBusy(id: string): boolean {
    return this.#busy.has(id);
  }

  /** What went wrong the last time, in words; '' for nothing. */
  errorOf(id: string): string {
    return this.#errors.get(id) ?? '';
  }

  run(action: 'cancel' | 'retry', id: string): void {
    const feed = this.#feed;
    if (!feed || this.#busy.has(id)) return;
    /** Another set by the time of the answer: it is for a user who is gone. */
    const busy = this.#busy;
    busy.add(id);
    this.#errors.delete(id);
    this.#onChange();
    feed[action](id)
      .catch((error: TaskError) => {
        if (busy !== this.#busy) return undefined;
        // 409: the task has moved on meanwhile, and what it is now says more than an error.
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
