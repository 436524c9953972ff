/**
 * `<inloop-tray>`: a button with a number, and a panel with the user's tasks. This file holds what a page can set and call,
 * and connects the parts:
 *
 * - `feed-binding.ts`: which feed is shown, and whose tasks
 * - `drawing/`: what is drawn, and when
 * - `panel.ts`, `rows/`: the panel and the rows in it; which outcomes were seen
 * - `toasts/`: outcomes beside the page; loaded with the first one
 * - `background/`: the page's title and icon, and notifications, for a page in the background; loaded when first wanted
 * - `live-announcer.ts`, `focus-shortcut.ts`: for screen readers and the keyboard
 */

import { ConfigError } from '../../core/config-error.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import type { News } from '../headless/present.ts';
import { ENGLISH, type Wording } from '../headless/words/wording.ts';
import { findStorage, NOTIFY_KEY, readText } from '../storage.ts';
import type { BackgroundSignals } from './background/background-signals.ts';
import { upgradeProperty } from './dom/dom.ts';
import { createTrayElements } from './dom/tray-elements.ts';
import { createFrameLoop } from './drawing/frame-loop.ts';
import { createRenderer } from './drawing/renderer.ts';
import { createFeedBinding } from './feed-binding.ts';
import { createFocusShortcut } from './focus-shortcut.ts';
import { createLiveAnnouncer } from './live-announcer.ts';
import { loadPusherOrNone } from './load-pusher.ts';
import { createPanel } from './panel.ts';
import { createRowCommands } from './rows/row-commands.ts';
import { createRowList } from './rows/row-list.ts';
import { createSeenObserver } from './rows/seen-observer.ts';
import type { ToastStack } from './toasts/toast-stack.ts';

const TOAST_DURATION = 6_000;

// On a server there is no HTMLElement, but importing this file must not fail there.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * Attributes: `url` (where the task router is mounted; loads pusher-js and makes a feed of its own), `align="start"`
 * (the panel starts where the button starts), `share="off"` (this tab makes a push connection of its own),
 * `toast-duration` (milliseconds), `title-progress` and `favicon-progress` (progress and outcome before the page's
 * title and as its icon). Properties: `feed`, `wording`, `toastDuration`. Methods: `show()`, `hide()`.
 *
 * @example <inloop-tray url="/tasks"></inloop-tray>
 */
export class InloopTray extends Base {
  static readonly observedAttributes = ['url'];

  #wording: Wording = ENGLISH;
  /** Ends the listeners on the document. Undefined while the tray is not in it. */
  #listeners: AbortController | undefined;
  /** Loaded with the first outcome. */
  #toasts: ToastStack | undefined;
  /** Loaded when first wanted. Null while it is loading, and for good where it cannot be loaded. */
  #background: BackgroundSignals | null | undefined;

  readonly #elements = createTrayElements(this.attachShadow({ mode: 'open' }));
  readonly #frames = createFrameLoop(() => this.#renderer.draw());
  readonly #draw = this.#frames.request;
  readonly #getToasts = () => this.#toasts;
  readonly #getWords = () => this.#wording;
  readonly #markSeen = (ids: readonly string[]) => this.feed?.seen(ids);
  readonly #announcer = createLiveAnnouncer(this.#elements.live, this.#getWords);
  readonly #commands = createRowCommands(this.#getWords, this.#draw);
  readonly #seen = createSeenObserver(this.#elements.body, this.#markSeen);
  readonly #binding = createFeedBinding({
    loadPusher: () => loadPusherOrNone(this.getAttribute('share') !== 'off'),
    onChange: this.#draw,
    onReset: () => this.#reset(),
    onOutcomes: (news) => void this.#tell(news),
  });
  readonly #panel = createPanel(
    this.#elements,
    () => {
      // The open panel shows the same outcomes as the toasts.
      if (this.isOpen) this.#toasts?.clear();
      this.#draw();
    },
    () => {
      this.feed?.loadMore().catch(() => {});
      this.#draw();
    },
  );
  readonly #focus = createFocusShortcut(this.#elements, this.#getToasts);
  readonly #renderer = createRenderer({
    elements: this.#elements,
    binding: this.#binding,
    panel: this.#panel,
    rows: createRowList(this.#elements, this.#commands, this.#draw),
    seen: this.#seen,
    announcer: this.#announcer,
    getWords: this.#getWords,
    getToasts: this.#getToasts,
    getBackground: () => this.#getBackground(),
  });

  constructor() {
    super();
    this.#elements.label(this.#wording);
    this.#elements.clear.addEventListener('click', () => this.feed?.clear().catch(() => {}));
    this.#elements.root.addEventListener('keydown', (event) => this.#onEscape(event as KeyboardEvent));
  }

  /** The feed to show: set it to share one, instead of `url`. */
  get feed(): TaskFeed | undefined {
    return this.#binding.feed;
  }

  set feed(feed: TaskFeed | undefined) {
    this.#binding.show(feed);
  }

  /** The words. Setting some of them keeps the rest: `tray.wording = { tasks: 'Aufgaben' }`. */
  get wording(): Wording {
    return this.#wording;
  }

  set wording(words: Partial<Wording>) {
    this.#wording = { ...this.#wording, ...words };
    this.#elements.label(this.#wording);
    this.#draw();
  }

  /**
   * How long a toast is shown, in milliseconds (attribute `toast-duration`; 6,000). Infinity: until it is dismissed.
   * 0: no toasts. Failures, and outcomes that offer something to do, are shown until they are dismissed.
   * @throws ConfigError `invalid_options` for anything else
   */
  get toastDuration(): number {
    const ms = Number(this.getAttribute('toast-duration') || TOAST_DURATION);
    return ms >= 0 ? ms : TOAST_DURATION;
  }

  set toastDuration(ms: number) {
    if (!(ms >= 0))
      throw new ConfigError('invalid_options', `toastDuration must be milliseconds, 0 or Infinity, got ${ms}.`);
    this.setAttribute('toast-duration', String(ms));
  }

  /** Whether the panel is open. */
  get isOpen(): boolean {
    return this.#panel.isOpen;
  }

  /** Opens the panel. The focus stays where it is. */
  show(): void {
    this.#panel.show();
  }

  /** Closes the panel. */
  hide(): void {
    this.#panel.hide();
  }

  connectedCallback(): void {
    for (const name of ['feed', 'wording', 'toastDuration'] as const) upgradeProperty(this, name);
    // The element was only moved: `disconnectedCallback` has not run its microtask.
    if (this.#listeners) return;
    this.#listen();
    this.#frames.start();
    this.#binding.connect(this.getAttribute('url'));
  }

  disconnectedCallback(): void {
    // In a microtask: to move the element, the browser disconnects it and connects it again at once.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#listeners?.abort();
      this.#listeners = undefined;
      this.#frames.stop();
      this.#binding.disconnect();
      this.#seen.follow(new Map());
      this.#announcer.stop();
      this.#toasts?.clear();
      this.#background?.stop();
    });
  }

  attributeChangedCallback(_name: string, before: string | null, url: string | null): void {
    if (before !== url && this.#listeners) this.#binding.connect(url);
  }

  #listen(): void {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    const on = (type: string, listener: (event: Event) => unknown, capture = false) =>
      document.addEventListener(type, listener, { signal, capture });
    on('keydown', (event) => this.#focus.onKeydown(event as KeyboardEvent));
    // A press outside of the tray closes the panel.
    on('pointerdown', (event) => event.composedPath().includes(this) || this.hide(), true);
    on('visibilitychange', () => {
      this.#toasts?.update();
      this.#seen.restart();
      // A frame that was requested while the page was visible does not come while it is hidden. So request again.
      this.#frames.stop();
      this.#frames.start();
    });
    // A modal dialog fires no event when it opens, but it takes the focus.
    for (const type of ['focusin', 'close', 'toggle']) on(type, () => this.#toasts?.place(), true);
  }

  #onEscape(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    if (this.isOpen) this.hide();
    else if (!this.#focus.giveBack()) return;
    event.stopPropagation();
  }

  /** Removes everything of another feed or user, in the panel and beside the page. */
  #reset(): void {
    this.#renderer.reset();
    this.#panel.reset();
    this.#commands.reset(this.feed);
    this.#toasts?.clear();
    this.#announcer.reset();
    this.#background?.reset();
    // Not with the next frame: on a hidden page that may come late.
    this.#frames.drawNow();
  }

  /** Tells of outcomes: to screen readers, and as toasts unless the panel shows them. */
  async #tell(news: News): Promise<void> {
    this.#announcer.announceOutcomes(news.live);
    if (this.isOpen) return;
    const toasts = await import('./toasts/toast-stack.ts').catch(() => undefined);
    // The file could not be loaded this time. Or in the meantime the tray was removed, or its panel was opened.
    if (!toasts || !this.isConnected || this.isOpen) return;
    const { root, live, button } = this.#elements;
    this.#toasts ??= toasts.createToastStack({
      root,
      live,
      commands: this.#commands,
      onDismiss: this.#markSeen,
      onShow: () => {
        this.show();
        button.focus();
      },
      onLeave: () => this.#focus.giveBack() || button.focus(),
    });
    this.#toasts.add(news.live, this.toastDuration);
    this.#toasts.addMissed(news.missed);
    this.#draw();
  }

  /** The signals of a page in the background; undefined until a page or a user wants them and they are loaded. */
  #getBackground(): BackgroundSignals | undefined {
    const isWanted = () =>
      this.isOpen ||
      this.hasAttribute('title-progress') ||
      this.hasAttribute('favicon-progress') ||
      readText(findStorage(), NOTIFY_KEY);
    if (this.#background === undefined && isWanted()) {
      this.#background = null;
      import('./background/background-signals.ts')
        .then(({ createBackgroundSignals }) => {
          this.#background = createBackgroundSignals(this, this.#elements.panel, () => this.show());
          this.#draw();
        })
        // Tasks can be followed without these signals.
        .catch(() => {});
    }
    return this.#background ?? undefined;
  }
}
