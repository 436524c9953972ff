/** Runs work at most once per frame, however often it is requested. For the feed and for the tray. */

export interface FrameGate {
  /** Runs the work with the next frame. Asking again before that changes nothing. */
  request(): void;
  /** Cancels the request, if there is one. */
  cancel(): void;
}

/**
 * @param schedule calls its argument in the next frame, and returns a function that cancels this call
 * @param run the work
 * @example
 * const gate = createFrameGate((frame) => {
 *   const handle = requestAnimationFrame(frame);
 *   return () => cancelAnimationFrame(handle);
 * }, render);
 */
export function createFrameGate(schedule: (frame: () => void) => () => void, run: () => void): FrameGate {
  let cancel: (() => void) | undefined;
  return {
    request() {
      cancel ??= schedule(() => {
        cancel = undefined;
        run();
      });
    },
    cancel() {
      cancel?.();
      cancel = undefined;
    },
  };
}
