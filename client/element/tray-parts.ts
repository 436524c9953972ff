/** Makes the parts of a tray and connects them: what is drawn when, and who is told of what. */

import { ENGLISH, type Wording } from '../headless/words/wording.ts';
import { createBackgroundLoader } from './background/background-loader.ts';
import { listenToDocument } from './document-listeners.ts';
import { createTrayElements } from './dom/tray-elements.ts';
import { createFrameLoop } from './drawing/frame-loop.ts';
import { createRenderer } from './drawing/renderer.ts';
import { createFeedBinding, type FeedBinding } from './feed-binding.ts';
import { createFocusShortcut } from './focus-shortcut.ts';
import { createLiveAnnouncer } from './live-announcer.ts';
import { loadPusherOrNone } from './load-pusher.ts';
import { createPanel, type Panel } from './panel.ts';
import { createRowCommands } from './rows/row-commands.ts';
import { createRowList } from './rows/row-list.ts';
import { createSeenObserver } from './rows/seen-observer.ts';
import { createToastLoader } from './toasts/toast-loader.ts';

/** The element whose parts these are. */
export interface TrayHost extends HTMLElement {
  /** In milliseconds; 0 for no toasts. */
  readonly toastDuration: number;
}

export interface TrayParts {
  readonly binding: Pick<FeedBinding, 'feed' | 'show'>;
  readonly panel: Pick<Panel, 'isOpen' | 'show' | 'hide'>;
  readonly getWords: () => Wording;
  /** Replaces some of the words. */
  setWords(words: Partial<Wording>): void;
  /** The tray is in the document. Does nothing where it was there already. */
  start(): void;
  /** The tray was taken out of the document, perhaps only to be moved. */
  stop(): void;
  /** The tray has another attribute `url`. */
  changeUrl(): void;
}

/** Fills the shadow tree of `host`. Nothing happens until `start`. */
export function createTrayParts(host: TrayHost): TrayParts {
  let wording = ENGLISH;
  const getWords = () => wording;
  const parts = connectParts(host, getWords);
  const { elements, frames, binding, panel, seen, announcer, toasts, background } = parts;
  /** Ends the listeners on the document. Undefined while the tray is not in it. */
  let stopListening: (() => void) | undefined;

  function connect(): void {
    binding.connect(host.getAttribute('url'));
  }

  return {
    binding,
    panel,
    getWords,
    setWords(words) {
      wording = { ...wording, ...words };
      elements.label(wording);
      frames.request();
    },
    start() {
      // The element was only moved: the microtask of `stop` has not run yet.
      if (stopListening) return;
      stopListening = listenToDocument(host, parts);
      frames.start();
      connect();
    },
    stop() {
      // In a microtask: to move the element, the browser disconnects it and connects it again at once.
      queueMicrotask(() => {
        if (host.isConnected) return;
        stopListening?.();
        stopListening = undefined;
        frames.stop();
        binding.disconnect();
        seen.follow(new Map());
        announcer.stop();
        toasts.stack()?.clear();
        background.signals()?.stop();
      });
    },
    changeUrl() {
      if (stopListening) connect();
    },
  };
}

/** Makes the parts of the tray `host`, and tells each of them what the others need. */
function connectParts(host: TrayHost, getWords: () => Wording) {
  const elements = createTrayElements(host.attachShadow({ mode: 'open' }));
  const { root, button } = elements;
  const frames = createFrameLoop(() => renderer.draw());
  const draw = frames.request;
  const onSeen = (ids: readonly string[]) => binding.feed?.seen(ids);
  const announcer = createLiveAnnouncer(elements.live, getWords);
  const commands = createRowCommands(getWords, draw);
  const seen = createSeenObserver(elements.body, onSeen);
  const binding = createFeedBinding({
    loadPusher: () => loadPusherOrNone(host.getAttribute('share') !== 'off'),
    onChange: draw,
    onReset: reset,
    onOutcomes(news) {
      announcer.announceOutcomes(news.live);
      void toasts.show(news);
    },
  });
  const panel = createPanel(
    elements,
    () => {
      // The open panel shows the same outcomes as the toasts.
      if (panel.isOpen) toasts.stack()?.clear();
      draw();
    },
    () => {
      binding.feed?.loadMore().catch(() => {});
      draw();
    },
  );
  const toasts = createToastLoader({
    ...elements,
    commands,
    isWanted: () => host.isConnected && !panel.isOpen,
    duration: () => host.toastDuration,
    onAdded: draw,
    onDismiss: onSeen,
    onShow() {
      panel.show();
      button.focus();
    },
    onLeave: () => focus.giveBack() || button.focus(),
  });
  const focus = createFocusShortcut(elements, toasts.stack);
  const background = createBackgroundLoader(host, elements.panel, panel, draw);
  const rows = createRowList(elements, commands, draw);
  const renderer = createRenderer({
    elements,
    binding,
    panel,
    rows,
    seen,
    announcer,
    getWords,
    toasts,
    background,
  });
  elements.label(getWords());
  elements.clear.addEventListener('click', () => binding.feed?.clear().catch(() => {}));
  root.addEventListener('keydown', (event) => {
    if ((event as KeyboardEvent).key !== 'Escape' || event.defaultPrevented) return;
    if (panel.isOpen) panel.hide();
    else if (!focus.giveBack()) return;
    event.stopPropagation();
  });

  /** Removes everything of another feed or user, in the panel, the toasts, and the page's title and icon. */
  function reset(): void {
    renderer.reset();
    panel.reset();
    commands.reset(binding.feed);
    toasts.stack()?.clear();
    announcer.reset();
    background.signals()?.reset();
    // Not with the next frame: on a hidden page that may come late.
    frames.drawNow();
  }

  return { elements, frames, binding, panel, seen, announcer, toasts, background, focus };
}
