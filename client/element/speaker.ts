/** Says what is new through the live region: outcomes that come within a second are one utterance. */

import type { OutcomeSnapshot, Snapshot } from '../../core/snapshot.ts';
import { announce } from '../view/announce.ts';
import type { Wording } from '../view/wording.ts';

/** Utterances that come closer together are said as one, in milliseconds. */
const SPEAK_AFTER = 1_000;

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

  /** That `task` takes longer than usual: once. */
  saySlow(task: Snapshot): void {
    if (this.#slow.has(task.id)) return;
    this.#slow.add(task.id);
    this.#text = this.#words().saySlow(task.title);
    this.#soon();
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
