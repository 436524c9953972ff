/** Says what is new through the live region: outcomes that come within a second are one utterance. */

import type { OutcomeSnapshot, Snapshot } from '../../core/snapshot.ts';
import { announce } from '../headless/announce.ts';
import { isWaitingForWorker } from '../headless/words/describe.ts';
import { isolate } from '../headless/words/plain-text.ts';
import type { Wording } from '../headless/words/wording.ts';

/** Utterances that come closer together are said as one, in milliseconds. */
const SPEAK_AFTER = 1_000;

/** So many slow tasks are remembered as said. */
const MOST_SLOW = 500;

export class Speaker {
  readonly #live: HTMLElement;
  readonly #words: () => Wording;
  readonly #slow = new Set<string>();
  #outcomes: OutcomeSnapshot[] = [];
  #text = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param live the live region; it has to exist before there is anything to say */
  constructor(live: HTMLElement, words: () => Wording) {
    this.#live = live;
    this.#words = words;
  }

  sayOutcomes(outcomes: readonly OutcomeSnapshot[]): void {
    if (outcomes.length === 0) return;
    this.#outcomes.push(...outcomes);
    this.#soon();
  }

  /** That `task` takes longer than usual, or waits for a worker that can do it: once. */
  saySlow(task: Snapshot): void {
    if (this.#slow.has(task.id)) return;
    this.#slow.add(task.id);
    for (const oldest of this.#slow) if (this.#slow.size > MOST_SLOW) this.#slow.delete(oldest);
    const words = this.#words();
    const title = isolate(task.title, words.locale);
    this.#text = isWaitingForWorker(task) ? words.sayWaitingForWorker(title) : words.saySlow(title);
    this.#soon();
  }

  /** Forgets the user, and what was said last to them. */
  forget(): void {
    this.stop();
    this.#slow.clear();
    this.#live.textContent = '';
  }

  /** Drops what was not said yet. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#outcomes = [];
    this.#text = '';
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      const said = [announce(this.#outcomes, this.#words()), this.#text].filter(Boolean).join('. ');
      this.stop();
      this.#live.textContent = said;
    }, SPEAK_AFTER);
  }
}
