/** What a tray does when something happens anywhere in the document: keys, presses, focus, and the page being shown or hidden. */

import type { FrameLoop } from './drawing/frame-loop.ts';
import type { FocusShortcut } from './focus-shortcut.ts';
import type { Panel } from './panel.ts';
import type { SeenObserver } from './rows/seen-observer.ts';
import type { ToastLoader } from './toasts/toast-loader.ts';

/** The parts that are told. */
export interface ListeningParts {
  readonly focus: Pick<FocusShortcut, 'onKeydown'>;
  readonly panel: Pick<Panel, 'hide'>;
  readonly toasts: Pick<ToastLoader, 'stack'>;
  readonly seen: Pick<SeenObserver, 'restart'>;
  readonly frames: Pick<FrameLoop, 'start' | 'stop'>;
}

/** Listens to the document around the tray `host`. Returns a function that stops it. */
export function listenToDocument(host: Node, parts: ListeningParts): () => void {
  const end = new AbortController();
  const on = (type: string, listener: (event: Event) => unknown, capture = false) =>
    document.addEventListener(type, listener, { signal: end.signal, capture });
  on('keydown', parts.focus.onKeydown as (event: Event) => void);
  // A press outside of the tray closes the panel.
  on('pointerdown', (event) => event.composedPath().includes(host) || parts.panel.hide(), true);
  on('visibilitychange', () => {
    parts.toasts.stack()?.update();
    parts.seen.restart();
    // A frame that was requested while the page was visible does not come while it is hidden. So request again.
    parts.frames.stop();
    parts.frames.start();
  });
  // A modal dialog fires no event when it opens, but it takes the focus.
  for (const type of ['focusin', 'close', 'toggle']) on(type, () => parts.toasts.stack()?.place(), true);
  return () => end.abort();
}
