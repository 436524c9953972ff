/** Lets work run at most once a frame, however often it is asked for. For the feed and for the tray. */

export interface FrameGate {
  /** Runs the work with the next frame. Asking again before that changes nothing. */
  request(): void;
  /** Takes the request back, if there is one. */
  cancel(): void;
}

/**
 * @param schedule calls its argument with the next frame, and returns a function that prevents that
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
