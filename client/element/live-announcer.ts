/** Tells screen readers what is new, through the live region. Outcomes within a second become one announcement. */

import type { OutcomeSnapshot, Snapshot } from '../../core/snapshot.ts';
import { announce } from '../headless/announce.ts';
import { isWaitingForWorker } from '../headless/words/describe.ts';
import { isolate } from '../headless/words/plain-text.ts';
import type { Wording } from '../headless/words/wording.ts';

/** What is new is gathered for this long, in milliseconds, and announced at once. */
const GATHER_FOR = 1_000;
/** So many slow tasks are remembered as announced. */
const MOST_SLOW = 500;

export interface LiveAnnouncer {
  announceOutcomes(outcomes: readonly OutcomeSnapshot[]): void;
  /** Announces that `task` takes longer than usual, or waits for a worker that can do it: once, however often it is called. */
  announceSlow(task: Snapshot): void;
  /** Drops what was not announced yet. */
  stop(): void;
  /** Forgets everything about the user, also what was announced to them last. */
  reset(): void;
}

/** @param region the live region; it must be in the document before there is anything to announce */
export function createLiveAnnouncer(region: Pick<HTMLElement, 'textContent'>, getWords: () => Wording): LiveAnnouncer {
  /** Ids of slow tasks that were announced. */
  const slow = new Set<string>();
  let outcomes: OutcomeSnapshot[] = [];
  /** Of the latest slow task; '' for none. */
  let slowText = '';
  let timer: ReturnType<typeof setTimeout> | undefined;

  function announceSoon(): void {
    timer ??= setTimeout(() => {
      const text = [announce(outcomes, getWords()), slowText].filter(Boolean).join('. ');
      stop();
      region.textContent = text;
    }, GATHER_FOR);
  }

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
    outcomes = [];
    slowText = '';
  }

  return {
    announceOutcomes(reached) {
      if (reached.length === 0) return;
      outcomes.push(...reached);
      announceSoon();
    },
    announceSlow(task) {
      if (slow.has(task.id)) return;
      slow.add(task.id);
      for (const oldest of slow) if (slow.size > MOST_SLOW) slow.delete(oldest);
      const words = getWords();
      const title = isolate(task.title, words.locale);
      slowText = isWaitingForWorker(task) ? words.sayWaitingForWorker(title) : words.saySlow(title);
      announceSoon();
    },
    stop,
    reset() {
      stop();
      slow.clear();
      region.textContent = '';
    },
  };
}
