/** Events that come closer together than a frame are shown together. */

import type { Timing } from '../environment.ts';

/** In milliseconds. */
const FRAME = 16;

export interface Frames<T> {
  /** `item`, or only the frame: something that was shown already may have a consequence. */
  add(item: T | null): void;
  /** Forgets what was not shown yet. */
  drop(): void;
}

export function createFrames<T>(timing: Timing, show: (items: readonly T[]) => void): Frames<T> {
  let items: T[] = [];
  let timer: unknown;
  let shownAt = 0;
  return {
    add(item) {
      if (item !== null) items.push(item);
      timer ??= timing.setTimeout(
        () => {
          timer = undefined;
          shownAt = timing.now();
          show(items.splice(0));
        },
        shownAt + FRAME - timing.now(),
      );
    },
    drop() {
      items = [];
      timing.clearTimeout(timer);
      timer = undefined;
    },
  };
}
