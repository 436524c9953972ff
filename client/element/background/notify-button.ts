/** The button "Notify me when done": asks for permission on a click, never by itself, and notifies while it is pressed. */

import type { OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { announce } from '../../headless/announce.ts';
import { notifyOutcomes } from '../../headless/notify.ts';
import type { Wording } from '../../headless/words/wording.ts';
import { findStorage, NOTIFY_KEY, readText, writeText } from '../../storage.ts';
import { make, setAttribute, setHidden, setText } from '../dom/dom.ts';
import { addStyles } from '../dom/styles.ts';

const CSS = `
.notify { inline-size: 100%; margin: 0; border-block-start: 1px solid var(--_line); border-radius: 0; }
.notify[aria-pressed=true] { color: var(--_accent); }
.notify[aria-pressed=true]::before { content: "✓ " / ""; }
`;

export class NotifyButton {
  readonly element = make('button', { class: 'more notify', part: 'notify', hidden: '' });
  readonly #onShow: () => void;
  #wording: Wording | undefined;
  #feed: TaskFeed | undefined;
  #stop: (() => void) | undefined;
  #isBlocked = false;
  #notification: Notification | undefined;
  /** The outcomes since the user last looked at the page. One notification tells of all of them. */
  #outcomes: readonly OutcomeSnapshot[] = [];

  /** @param onShow the user has clicked a notification */
  constructor(panel: HTMLElement, onShow: () => void) {
    this.#onShow = onShow;
    addStyles(panel.getRootNode() as ShadowRoot, CSS);
    panel.append(this.element);
    // The second click of a double click would undo the first one.
    this.element.addEventListener('click', ({ detail }) => detail < 2 && void this.#toggle());
  }

  /** Follows `feed` instead of the one before; undefined for none. */
  follow(feed: TaskFeed | undefined): void {
    if (feed === this.#feed) return;
    this.#feed = feed;
    this.#stop?.();
    this.#stop = feed && notifyOutcomes({ feed, notify: (outcomes) => this.#notify(outcomes) });
  }

  /** Shows the button while it is of use: a task is active, or notifications are on. */
  show(wording: Wording, hasActive: boolean): void {
    this.#wording = wording;
    // The user is back: the next notification need not tell of these outcomes again.
    if (document.visibilityState === 'visible') this.#outcomes = [];
    const permission = globalThis.navigator.locks && globalThis.Notification?.permission;
    const isOn = permission === 'granted' && isWanted();
    const canAsk = hasActive && !!permission && permission !== 'denied';
    setHidden(this.element, !(this.#isBlocked || isOn || canAsk));
    setText(this.element, this.#isBlocked ? wording.notifyBlocked : wording.notify);
    setAttribute(this.element, 'aria-pressed', String(isOn));
  }

  async #toggle(): Promise<void> {
    const wants = this.element.getAttribute('aria-pressed') !== 'true';
    this.#isBlocked = wants && (await Notification.requestPermission()) !== 'granted';
    // If the storage refuses this, the button shows "off", since it reads its state from the storage.
    writeText(findStorage(), NOTIFY_KEY, wants && !this.#isBlocked ? 'on' : '');
    if (this.#wording) this.show(this.#wording, true);
  }

  #notify(outcomes: readonly OutcomeSnapshot[]): void {
    if (!this.#wording || !isWanted()) return;
    this.#outcomes = [...this.#outcomes, ...outcomes];
    try {
      // The tag makes this notification replace the one before.
      const notification = new Notification(announce(this.#outcomes, this.#wording), { tag: 'inloop' });
      this.#notification = notification;
      notification.onclick = () => {
        notification.close();
        window.focus();
        this.#onShow();
      };
    } catch {
      // The permission was taken back, or only a service worker may notify (Android).
    }
  }

  /** Takes back what was shown to another user. */
  reset(): void {
    this.#outcomes = [];
    this.#notification?.close();
    this.#notification = undefined;
  }
}

function isWanted(): boolean {
  return !!readText(findStorage(), NOTIFY_KEY);
}
