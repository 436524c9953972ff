/** The panel: opens and closes it, and remembers what is so only while it is open. What is in it the renderer draws. */

import type { TrayElements } from './dom/tray-elements.ts';

/** Outcomes that get a row before "Show more" is pressed. */
const FIRST_LIMIT = 30;

export interface Panel {
  readonly isOpen: boolean;
  /** Ids of outcomes that stay in "New" until the panel closes, seen or not: nothing moves under the reader's eyes. */
  readonly held: Set<string>;
  /** At most so many outcomes get a row. */
  readonly limit: number;
  /** Opens it. The focus stays where it is. */
  show(): void;
  hide(): void;
  /** Forgets what was so for another user. An open panel stays open. */
  reset(): void;
}

/** @param onToggle it was opened or closed; @param onMore the user wants more outcomes */
export function createPanel(elements: TrayElements, onToggle: () => void, onMore: () => void): Panel {
  const { root, button, panel, close, more } = elements;
  const held = new Set<string>();
  let limit = FIRST_LIMIT;

  function show(): void {
    if (!panel.hidden) return;
    panel.hidden = false;
    onToggle();
  }

  function hide(): void {
    if (panel.hidden) return;
    held.clear();
    const hadFocus = panel.contains(root.activeElement);
    panel.hidden = true;
    if (hadFocus) button.focus();
    onToggle();
  }

  button.addEventListener('click', ({ detail }) => {
    // The second click of a double click would close what the first one opened.
    if (detail > 1) return;
    if (panel.hidden) show();
    else hide();
  });
  close.addEventListener('click', hide);
  more.addEventListener('click', () => {
    // Twice as many each time, so that thousands are ten clicks away and not a hundred.
    limit *= 2;
    onMore();
  });
  return {
    get isOpen() {
      return !panel.hidden;
    },
    get limit() {
      return limit;
    },
    held,
    show,
    hide,
    reset() {
      held.clear();
      limit = FIRST_LIMIT;
    },
  };
}
