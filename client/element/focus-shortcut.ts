/** F6 goes to the toasts, then to the tray's button, and from there on to where the browser takes it. Escape goes back. */

import type { TrayElements } from './dom/tray-elements.ts';
import type { ToastStack } from './toasts/toast-stack.ts';

export interface FocusShortcut {
  /** Takes keys that were pressed anywhere on the page. */
  onKeydown(event: KeyboardEvent): void;
  /** Gives the focus back to where it was before F6, or to the button where that is gone. Returns whether there was an F6. */
  giveBack(): boolean;
}

/** @param getToasts undefined until there were any */
export function createFocusShortcut(
  { root, button }: Pick<TrayElements, 'root' | 'button'>,
  getToasts: () => ToastStack | undefined,
): FocusShortcut {
  /** What had the focus before F6: an element, or the body where nothing had it. */
  let origin: HTMLElement | undefined;
  return {
    onKeydown(event) {
      const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
      if (key !== 'F6' || altKey || ctrlKey || metaKey || shiftKey || event.defaultPrevented) return;
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

/** Focuses `element`, and again if it was lost: in Firefox 153 the body had the focus one frame later. */
function focusFirmly(element: HTMLElement): void {
  element.focus();
  requestAnimationFrame(() => {
    if (document.activeElement === document.body && element.isConnected) element.focus();
  });
}
