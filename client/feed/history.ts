/**
 * How far back the list goes. The server gives older tasks page by page; what ended long ago is let go of again, or a
 * page that is open for a week would keep everything that ended in it.
 */

import type { TaskPage } from '../../core/wire.ts';
import { type TaskList, trimTasks } from './merge.ts';

/** Outcomes that are kept beside those that the user asked to see. */
const ROOM = 500;
/** How many pages one wish for more may take: pages that hold only what is known bring nothing. */
const MOST_PAGES = 10;

export interface History {
  /** Whether there are older tasks than those that are known. */
  readonly hasMore: boolean;
  /** Where the most recent tasks went on: null where they were all. */
  startFrom(cursor: string | null | undefined): void;
  /** `list` without what there is no room for. */
  trim(list: TaskList): TaskList;
  /**
   * Fetches older tasks until there are some. @throws TaskError
   * @param take merges a page, and returns whether there was anything new in it
   */
  more(fetch: (cursor: string | null) => Promise<TaskPage>, take: (page: TaskPage) => boolean): Promise<void>;
  /** It was another user's. */
  forget(): void;
}

export function createHistory(): History {
  let cursor: string | null | undefined;
  let room = ROOM;
  /** Whether something was let go of: then the way back starts at the first page again. */
  let hasTrimmed = false;
  /** Grows when the user changes, so that a page of the one before is dropped. */
  let generation = 0;

  return {
    get hasMore() {
      return hasTrimmed || !!cursor;
    },
    startFrom(next) {
      // Where it was known before, what is older than the recent ones is known.
      if (cursor === undefined) cursor = next;
    },
    trim(list) {
      const trimmed = trimTasks(list, room);
      if (trimmed !== list) hasTrimmed = true;
      return trimmed;
    },
    async more(fetch, take) {
      let from = hasTrimmed ? null : cursor;
      const own = generation;
      if (from === undefined || (from === null && !hasTrimmed)) return;
      for (let pages = 0; pages < MOST_PAGES; pages++) {
        const page = await fetch(from);
        if (own !== generation) return;
        room += page.tasks.length;
        hasTrimmed = false;
        cursor = from = page.nextCursor;
        if (take(page) || from === null) return;
      }
    },
    forget() {
      generation++;
      cursor = undefined;
      room = ROOM;
      hasTrimmed = false;
    },
  };
}
