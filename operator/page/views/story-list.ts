/** The list of what happened to a task. It serves `task-view.ts`. */

import { setChildren } from '../../../client/element/dom/dom.ts';
import type { StoryEntry } from '../../../core/operator/task-details.ts';
import type { Api } from '../api.ts';
import { box, clock, text } from '../dom/elements.ts';
import { shortId, storyTone, storyWords } from '../words/words.ts';

/** The list, which changes in place. */
export interface StoryList {
  readonly element: HTMLElement;
  /** Shows these entries. The line of an entry that was shown before stays the same element. */
  show(entries: readonly StoryEntry[]): void;
}

/** Creates an empty list. @param api for the server's time */
export function createStoryList(api: Pick<Api, 'now'>): StoryList {
  const element = box('ol', 'story');
  /** The lines that are shown. The key is the JSON of an entry's index and the entry. */
  let lines = new Map<string, HTMLElement>();
  return {
    element,
    show(entries) {
      const next = new Map<string, HTMLElement>();
      for (const [index, entry] of entries.entries()) {
        const key = JSON.stringify([index, entry]);
        next.set(key, lines.get(key) ?? makeLine(entry, api.now()));
      }
      lines = next;
      setChildren(element, [...next.values()]);
    },
  };
}

function makeLine(entry: StoryEntry, now: number): HTMLElement {
  const what = box('div', '', storyWords(entry));
  if (entry.worker) what.append(' ', text('span', `worker ${shortId(entry.worker)}`, 'muted'));
  if (entry.dueAt) what.append(', next attempt at ', clock(entry.dueAt, now));
  const line = box('li', '', clock(entry.at, now), what);
  line.dataset.tone = storyTone(entry);
  return line;
}
