/**
 * `<inloop-tray>`: a button with a number, and a panel with the user's tasks. This file holds what a page can set and call.
 * `tray-parts.ts` makes and connects the parts:
 *
 * - `feed-binding.ts`: which feed is shown, and whose tasks
 * - `drawing/`: what is drawn, and when
 * - `panel.ts`, `rows/`: the panel and the rows in it; which outcomes were seen
 * - `toasts/`: outcomes in a corner of the page; loaded with the first one
 * - `background/`: the page's title and icon, and notifications, for a page in the background; loaded when first wanted
 * - `live-announcer.ts`, `focus-shortcut.ts`: for screen readers and the keyboard
 */

import { ConfigError } from '../../core/config-error.ts';
import type { TaskFeed } from '../feed/task-feed.ts';
import type { Wording } from '../headless/words/wording.ts';
import { upgradeProperty } from './dom/dom.ts';
import { TOAST_DURATION } from './limits.ts';
import { createTrayParts } from './tray-parts.ts';

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

  readonly #parts = createTrayParts(this);

  /** The feed to show: set it to share one, instead of `url`. */
  get feed(): TaskFeed | undefined {
    return this.#parts.binding.feed;
  }

  set feed(feed: TaskFeed | undefined) {
    this.#parts.binding.show(feed);
  }

  /** The words. Setting some of them keeps the rest: `tray.wording = { tasks: 'Aufgaben' }`. */
  get wording(): Wording {
    return this.#parts.getWords();
  }

  set wording(words: Partial<Wording>) {
    this.#parts.setWords(words);
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
    return this.#parts.panel.isOpen;
  }

  /** Opens the panel. The focus stays where it is. */
  show(): void {
    this.#parts.panel.show();
  }

  /** Closes the panel. */
  hide(): void {
    this.#parts.panel.hide();
  }

  connectedCallback(): void {
    for (const name of ['feed', 'wording', 'toastDuration'] as const) upgradeProperty(this, name);
    this.#parts.start();
  }

  disconnectedCallback(): void {
    this.#parts.stop();
  }

  attributeChangedCallback(_name: string, before: string | null, url: string | null): void {
    if (before !== url) this.#parts.changeUrl();
  }
}
