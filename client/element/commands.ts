/** What the user asks for from a row: cancel and retry, each once however often it is clicked. */

import type { TaskError } from '../../core/error.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import { isolate } from '../headless/words/plain-text.ts';
import { explain, type Wording } from '../headless/words/wording.ts';

export class Commands {
  /** Grows with each change of what is told here. */
  edition = 0;
  #busy = new Set<string>();
  readonly #errors = new Map<string, string>();
  readonly #words: () => Wording;
  readonly #onChange: () => void;
  /** Whose tasks they are about. */
  #feed: TaskFeed | undefined;

  constructor(words: () => Wording, onChange: () => void) {
    this.#words = words;
    this.#onChange = () => {
      this.edition++;
      onChange();
    };
  }

  /** Turns to another feed, or to another user of it; what was going on is forgotten. */
  use(feed: TaskFeed | undefined): void {
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
    this.#busy.add(id);
    this.#errors.delete(id);
    this.#onChange();
    /** What was going on for the user before is nobody's concern any more. */
    const busy = this.#busy;
    feed[action](id)
      .catch((error: TaskError) => {
        if (busy !== this.#busy) return undefined;
        // 409: it has moved on meanwhile, which its row is about to show.
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
