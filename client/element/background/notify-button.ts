/** The button "Notify me when done": asks for permission on a click, never by itself, and notifies while it is pressed. */

import type { OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import type { TaskFeed } from '../../feed/task-feed.ts';
import { announce } from '../../headless/announce.ts';
import { notifyOutcomes } from '../../headless/outcomes/notify.ts';
import type { Wording } from '../../headless/words/wording.ts';
import { findStorage, NOTIFY_KEY, readText, writeText } from '../../storage.ts';
import { make, setAttribute, setHidden, setText } from '../dom/dom.ts';
import { addStyles } from '../dom/styles.ts';

const CSS = `
.notify { inline-size: 100%; margin: 0; border-block-start: 1px solid var(--_line); border-radius: 0; }
.notify[aria-pressed=true] { color: var(--_accent); }
.notify[aria-pressed=true]::before { content: "✓ " / ""; }
`;

export interface NotifyButton {
  /** Follows `feed` instead of the one before; undefined for none. */
  follow(feed: TaskFeed | undefined): void;
  /** Shows the button while it is of use: a task is active, or notifications are on. */
  show(wording: Wording, hasActive: boolean): void;
  /** Takes back what was shown to another user. */
  reset(): void;
}

/** @param onShow the user has clicked a notification */
export function createNotifyButton(panel: HTMLElement, onShow: () => void): NotifyButton {
  const button = make('button', { class: 'more notify', part: 'notify', hidden: '' });
  let words: Wording | undefined;
  let followed: TaskFeed | undefined;
  let stop: (() => void) | undefined;
  let isBlocked = false;
  let notification: Notification | undefined;
  /** The outcomes since the user last looked at the page. One notification tells of all of them. */
  let untold: readonly OutcomeSnapshot[] = [];

  addStyles(panel.getRootNode() as ShadowRoot, CSS);
  panel.append(button);
  // The second click of a double click would undo the first one.
  button.addEventListener('click', ({ detail }) => detail < 2 && void toggle());

  function show(wording: Wording, hasActive: boolean): void {
    words = wording;
    // The user is back: the next notification need not tell of these outcomes again.
    if (!document.hidden) untold = [];
    // Without Web Locks `notifyOutcomes` never notifies, so the button is hidden.
    const permission = globalThis.navigator.locks && globalThis.Notification?.permission;
    const isOn = permission === 'granted' && isWanted();
    const canAsk = hasActive && !!permission && permission !== 'denied';
    setHidden(button, !(isBlocked || isOn || canAsk));
    setText(button, isBlocked ? wording.notifyBlocked : wording.notify);
    setAttribute(button, 'aria-pressed', String(isOn));
  }

  async function toggle(): Promise<void> {
    const wants = button.getAttribute('aria-pressed') !== 'true';
    isBlocked = wants && (await Notification.requestPermission()) !== 'granted';
    // If the storage refuses this, the button shows "off", since it reads its state from the storage.
    writeText(findStorage(), NOTIFY_KEY, wants && !isBlocked ? 'on' : '');
    if (words) show(words, true);
  }

  function notify(outcomes: readonly OutcomeSnapshot[]): void {
    if (!words || !isWanted()) return;
    untold = [...untold, ...outcomes];
    notification = showNotification(announce(untold, words), onShow) ?? notification;
  }

  return {
    follow(feed) {
      if (feed === followed) return;
      followed = feed;
      stop?.();
      stop = feed && notifyOutcomes({ feed, notify });
    },
    show,
    reset() {
      untold = [];
      notification?.close();
    },
  };
}

/** Shows a notification in place of the one before. Returns undefined where the browser refuses it. */
function showNotification(text: string, onClick: () => void): Notification | undefined {
  try {
    // The tag makes this notification replace the one before.
    const made = new Notification(text, { tag: 'inloop' });
    made.onclick = () => {
      made.close();
      window.focus();
      onClick();
    };
    return made;
  } catch {
    // The permission was taken back, or only a service worker may notify (Android).
    return undefined;
  }
}

/** Whether the user has asked for notifications, in any tab. */
function isWanted(): boolean {
  return !!readText(findStorage(), NOTIFY_KEY);
}
