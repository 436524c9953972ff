/** Events that come closer together than a frame are shown together. */

import type { Timing } from '../environment.ts';
import { createFrameGate } from '../frame-gate.ts';

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
  let shownAt = 0;
  const gate = createFrameGate(
    (frame) => {
      const handle = timing.setTimeout(frame, shownAt + FRAME - timing.now());
      return () => timing.clearTimeout(handle);
    },
    () => {
      shownAt = timing.now();
      show(items.splice(0));
    },
  );
  return {
    add(item) {
      if (item !== null) items.push(item);
      gate.request();
    },
    drop() {
      items = [];
      gate.cancel();
    },
  };
}
