/** Opens and closes the panel, and holds what lasts only while the panel is open. `drawing/renderer.ts` draws its content. */

import type { TrayElements } from './dom/tray-elements.ts';
import { FIRST_ROWS, PANEL_MARGIN } from './limits.ts';

export interface Panel {
  readonly isOpen: boolean;
  /** Ids of outcomes that stay in "New" until the panel closes, seen or not: nothing moves under the reader's eyes. */
  readonly held: Set<string>;
  /** How many outcomes get a row at most. */
  readonly limit: number;
  /** Opens the panel. The focus stays where it is. */
  show(): void;
  /** Closes the panel. If the focus was in the panel, the button gets it. */
  hide(): void;
  /** Forgets `held` and `limit` of the user before. An open panel stays open. */
  reset(): void;
}

/** @param onToggle the panel was opened or closed; @param onMore the user wants more outcomes */
export function createPanel(elements: TrayElements, onToggle: () => void, onMore: () => void): Panel {
  const { root, button, panel, close, more } = elements;
  const held = new Set<string>();
  let limit = FIRST_ROWS;

  function show(): void {
    if (!panel.hidden) return;
    panel.hidden = false;
    // The panel opens below the button. Near an edge it would reach out of the window, so it is moved back into it.
    panel.style.translate = '';
    const { left, right } = panel.getBoundingClientRect();
    const room = document.documentElement.clientWidth - PANEL_MARGIN - right;
    panel.style.translate = `${Math.max(PANEL_MARGIN - left, Math.min(0, room))}px`;
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
    // Doubled with each click: 30, 60, 120 … After 7 clicks there are 3,840 rows, where 30 more each time would give 240.
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
      limit = FIRST_ROWS;
    },
  };
}
