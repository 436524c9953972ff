/** Announces news to screen readers, through the live region. Outcomes within a second become one announcement. */

import type { OutcomeSnapshot, Snapshot } from '../../core/tasks/snapshot.ts';
import { announce } from '../headless/announce.ts';
import { isWaitingForWorker } from '../headless/words/describe.ts';
import { isolate } from '../headless/words/plain-text.ts';
import type { Wording } from '../headless/words/wording.ts';
import { COLLECT_NEWS_FOR, SLOW_KEPT } from './limits.ts';

export interface LiveAnnouncer {
  announceOutcomes(outcomes: readonly OutcomeSnapshot[]): void;
  /** Announces, once for each task, that `task` takes longer than usual or waits for a worker that can do it. */
  announceSlow(task: Snapshot): void;
  /** Drops what was not announced yet. */
  stop(): void;
  /** Forgets everything about the user, and empties the live region. */
  reset(): void;
}

/** @param region the live region; it must be in the document before there is anything to announce */
export function createLiveAnnouncer(region: Pick<HTMLElement, 'textContent'>, getWords: () => Wording): LiveAnnouncer {
  /** Ids of slow tasks that were announced. */
  const announcedSlow = new Set<string>();
  let outcomes: OutcomeSnapshot[] = [];
  /** What to announce about the latest slow task; '' for nothing. */
  let slowText = '';
  let timer: ReturnType<typeof setTimeout> | undefined;

  function announceSoon(): void {
    timer ??= setTimeout(() => {
      const text = [announce(outcomes, getWords()), slowText].filter(Boolean).join('. ');
      stop();
      region.textContent = text;
    }, COLLECT_NEWS_FOR);
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
      if (announcedSlow.has(task.id)) return;
      announcedSlow.add(task.id);
      for (const oldest of announcedSlow) if (announcedSlow.size > SLOW_KEPT) announcedSlow.delete(oldest);
      const words = getWords();
      const title = isolate(task.title, words.locale);
      slowText = isWaitingForWorker(task) ? words.sayWaitingForWorker(title) : words.saySlow(title);
      announceSoon();
    },
    stop,
    reset() {
      stop();
      announcedSlow.clear();
      region.textContent = '';
    },
  };
}
