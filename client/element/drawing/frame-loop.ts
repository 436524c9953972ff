/**
 * Decides when the tray draws: at most once a frame, after a change, or when the drawing itself has asked to be repeated (a
 * row that counts seconds). Nothing else in the tray asks the browser for a frame in order to draw.
 *
 * | state | what is pending | `request()` | the pending timer or frame fires |
 * |---|---|---|---|
 * | stopped | nothing | does nothing | |
 * | idle | a timer, if the last drawing asked to be repeated | → waiting | → waiting |
 * | waiting | a frame; on a hidden page, which gets no frames, a timer of 500 ms | does nothing | draws → idle |
 *
 * `start()` leads from stopped to waiting, `stop()` from anywhere to stopped.
 */

import { HIDDEN_FRAME } from '../limits.ts';

export interface FrameLoop {
  start(): void;
  stop(): void;
  /** Draws with the next frame. */
  request(): void;
  /** Draws before this returns, unless stopped: what belongs to another user must not stay until the next frame. */
  drawNow(): void;
}

/**
 * @param draw returns in how many milliseconds to draw again: 0 for the next frame, Infinity for never
 * @param schedule calls its argument in the next frame, and returns a function that cancels this call
 */
export function createFrameLoop(draw: () => number, schedule = schedulePageFrame): FrameLoop {
  /** Cancels the frame that is pending. */
  let cancel: (() => void) | undefined;
  let isStopped = true;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function request(): void {
    if (isStopped) return;
    cancel ??= schedule(() => {
      cancel = undefined;
      drawNow();
    });
  }

  function drawNow(): void {
    if (isStopped) return;
    const again = draw();
    clearTimeout(timer);
    if (again === 0) request();
    else if (again < Infinity) timer = setTimeout(request, again);
  }

  return {
    start() {
      isStopped = false;
      request();
    },
    stop() {
      isStopped = true;
      cancel?.();
      cancel = undefined;
      clearTimeout(timer);
    },
    request,
    drawNow,
  };
}

function schedulePageFrame(frame: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(frame, HIDDEN_FRAME);
    return () => clearTimeout(timer);
  }
  const handle = requestAnimationFrame(frame);
  return () => cancelAnimationFrame(handle);
}
