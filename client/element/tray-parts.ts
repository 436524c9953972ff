/** Makes the parts of a tray and connects them: what is drawn when, who is told of what, and what is loaded on demand. */

import type { News } from '../headless/outcomes/present.ts';
import { ENGLISH, type Wording } from '../headless/words/wording.ts';
import { findStorage, NOTIFY_KEY, readText } from '../storage.ts';
import type { BackgroundSignals } from './background/background-signals.ts';
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
import type { ToastStack } from './toasts/toast-stack.ts';

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
  /** Ends the listeners on the document. Undefined while the tray is not in it. */
  let listeners: AbortController | undefined;
  /** Loaded with the first outcome. */
  let toasts: ToastStack | undefined;
  /** Loaded when first wanted. Null while it is loading, and for good where it cannot be loaded. */
  let background: BackgroundSignals | null | undefined;

  const elements = createTrayElements(host.attachShadow({ mode: 'open' }));
  const { root, live, button } = elements;
  const frames = createFrameLoop(() => renderer.draw());
  const draw = frames.request;
  const getToasts = () => toasts;
  const getWords = () => wording;
  const markSeen = (ids: readonly string[]) => binding.feed?.seen(ids);
  const announcer = createLiveAnnouncer(live, getWords);
  const commands = createRowCommands(getWords, draw);
  const seen = createSeenObserver(elements.body, markSeen);
  const binding = createFeedBinding({
    loadPusher: () => loadPusherOrNone(host.getAttribute('share') !== 'off'),
    onChange: draw,
    onReset: reset,
    onOutcomes: (news) => void tell(news),
  });
  const panel = createPanel(
    elements,
    () => {
      // The open panel shows the same outcomes as the toasts.
      if (panel.isOpen) toasts?.clear();
      draw();
    },
    () => {
      binding.feed?.loadMore().catch(() => {});
      draw();
    },
  );
  const focus = createFocusShortcut(elements, getToasts);
  const renderer = createRenderer({
    elements,
    binding,
    panel,
    rows: createRowList(elements, commands, draw),
    seen,
    announcer,
    getWords,
    getToasts,
    getBackground,
  });
  elements.label(wording);
  elements.clear.addEventListener('click', () => binding.feed?.clear().catch(() => {}));
  root.addEventListener('keydown', (event) => {
    if ((event as KeyboardEvent).key !== 'Escape' || event.defaultPrevented) return;
    if (panel.isOpen) panel.hide();
    else if (!focus.giveBack()) return;
    event.stopPropagation();
  });

  function connect(): void {
    binding.connect(host.getAttribute('url'));
  }

  /** Removes everything of another feed or user, in the panel and beside the page. */
  function reset(): void {
    renderer.reset();
    panel.reset();
    commands.reset(binding.feed);
    toasts?.clear();
    announcer.reset();
    background?.reset();
    // Not with the next frame: on a hidden page that may come late.
    frames.drawNow();
  }

  /** Tells of outcomes: to screen readers, and as toasts unless the panel shows them. */
  async function tell(news: News): Promise<void> {
    announcer.announceOutcomes(news.live);
    if (panel.isOpen) return;
    const loaded = await import('./toasts/toast-stack.ts').catch(() => undefined);
    // The file could not be loaded this time. Or in the meantime the tray was removed, or its panel was opened.
    if (!loaded || !host.isConnected || panel.isOpen) return;
    toasts ??= loaded.createToastStack({
      root,
      live,
      commands,
      onDismiss: markSeen,
      onShow: () => {
        panel.show();
        button.focus();
      },
      onLeave: () => focus.giveBack() || button.focus(),
    });
    toasts.add(news.live, host.toastDuration);
    toasts.addMissed(news.missed);
    draw();
  }

  /** The signals of a page in the background; undefined until a page or a user wants them and they are loaded. */
  function getBackground(): BackgroundSignals | undefined {
    const isWanted = () =>
      panel.isOpen ||
      host.hasAttribute('title-progress') ||
      host.hasAttribute('favicon-progress') ||
      readText(findStorage(), NOTIFY_KEY);
    if (background === undefined && isWanted()) {
      background = null;
      import('./background/background-signals.ts')
        .then(({ createBackgroundSignals }) => {
          background = createBackgroundSignals(host, elements.panel, panel.show);
          draw();
        })
        // Tasks can be followed without these signals.
        .catch(() => {});
    }
    return background ?? undefined;
  }

  return {
    binding,
    panel,
    getWords,
    setWords(words) {
      wording = { ...wording, ...words };
      elements.label(wording);
      draw();
    },
    start() {
      // The element was only moved: the microtask of `stop` has not run yet.
      if (listeners) return;
      listeners = new AbortController();
      const { signal } = listeners;
      const on = (type: string, listener: (event: Event) => unknown, capture = false) =>
        document.addEventListener(type, listener, { signal, capture });
      on('keydown', focus.onKeydown as (event: Event) => void);
      // A press outside of the tray closes the panel.
      on('pointerdown', (event) => event.composedPath().includes(host) || panel.hide(), true);
      on('visibilitychange', () => {
        toasts?.update();
        seen.restart();
        // A frame that was requested while the page was visible does not come while it is hidden. So request again.
        frames.stop();
        frames.start();
      });
      // A modal dialog fires no event when it opens, but it takes the focus.
      for (const type of ['focusin', 'close', 'toggle']) on(type, () => toasts?.place(), true);
      frames.start();
      connect();
    },
    stop() {
      // In a microtask: to move the element, the browser disconnects it and connects it again at once.
      queueMicrotask(() => {
        if (host.isConnected) return;
        listeners?.abort();
        listeners = undefined;
        frames.stop();
        binding.disconnect();
        seen.follow(new Map());
        announcer.stop();
        toasts?.clear();
        background?.stop();
      });
    },
    changeUrl() {
      if (listeners) connect();
    },
  };
}
