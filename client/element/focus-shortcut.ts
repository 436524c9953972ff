/** The F6 key moves the focus to the toasts, then to the tray's button, then where the browser moves it. Escape goes back. */

import type { TrayElements } from './dom/tray-elements.ts';
import type { ToastStack } from './toasts/toast-stack.ts';

export interface FocusShortcut {
  /** Handles a key that was pressed anywhere on the page. */
  onKeydown(event: KeyboardEvent): void;
  /**
   * Gives the focus back to the element that had it before F6; if that is gone, to the button. Returns false, and does nothing,
   * if F6 has not moved the focus.
   */
  giveBack(): boolean;
}

/** @param getToasts returns undefined until the first toast */
export function createFocusShortcut(
  { root, button }: Pick<TrayElements, 'root' | 'button'>,
  getToasts: () => ToastStack | undefined,
): FocusShortcut {
  /** The element that had the focus before F6; the body where none had it. */
  let origin: HTMLElement | undefined;
  return {
    onKeydown(event) {
      if (
        event.key !== 'F6' ||
        event.altKey ||
        event.ctrlKey ||
        event.metaKey ||
        event.shiftKey ||
        event.defaultPrevented
      )
        return;
      const path = event.composedPath();
      const toasts = getToasts();
      const isInToasts = !!toasts && path.includes(toasts.element);
      if (path.includes(root.host) && !isInToasts) return;
      if (!isInToasts) origin = path[0] as HTMLElement;
      if (isInToasts || !toasts?.focus()) button.focus();
      event.preventDefault();
    },
    giveBack() {
      if (!origin) return false;
      if (origin === document.body) (root.activeElement as HTMLElement | null)?.blur();
      else if (origin.isConnected) focusFirmly(origin);
      else button.focus();
      origin = undefined;
      return true;
    },
  };
}

/** Focuses `element`, and once more if it loses the focus at once: in Firefox 153 the body has it one frame later. */
function focusFirmly(element: HTMLElement): void {
  element.focus();
  requestAnimationFrame(() => {
    if (document.activeElement === document.body && element.isConnected) element.focus();
  });
}
