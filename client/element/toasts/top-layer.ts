/**
 * Keeps the toasts above everything else on the page. While the page shows a modal dialog, the toasts and the live region are
 * moved into that dialog, since everything outside of a modal dialog is inert.
 */

import { make } from '../dom/dom.ts';
import { addStyles, CSS } from '../dom/styles.ts';
import { TOAST_CSS } from './toast-styles.ts';

/** The custom properties that restyle a tray. A dialog is not inside the tray, so it does not inherit their values. */
const PROPERTIES: ReadonlySet<string> = new Set((CSS + TOAST_CSS).match(/--inloop-[\w-]+/g));

/**
 * Returns a function that moves the toasts and the live region to where they belong now. Call it whenever a dialog may have
 * opened or closed, and after `popover` was shown or hidden.
 * @param home where both are while there is no modal dialog
 * @param popover the toasts
 * @param live the live region
 */
export function createTopLayer(home: ShadowRoot, popover: HTMLElement, live: HTMLElement): () => void {
  /** The element inside the modal dialog that holds both; undefined while there is no such dialog. */
  let standIn: HTMLElement | undefined;

  return () => {
    const modal = home.host.isConnected ? [...document.querySelectorAll('dialog:modal')].at(-1) : undefined;
    if (modal !== (standIn?.parentElement ?? undefined)) {
      standIn?.remove();
      standIn = modal?.appendChild(makeStandIn(home.host));
      (standIn?.shadowRoot ?? home).append(popover, live);
    }
    // Opens a closed popover that is not `hidden`, and closes an open one that is. To move an element closes its popover.
    if (popover.isConnected && popover.matches(':popover-open') === popover.hidden) popover.togglePopover?.();
  };
}

/** An element without a box of its own, with the styles and custom properties of `host`. */
function makeStandIn(host: Element): HTMLElement {
  const standIn = make('div');
  standIn.style.display = 'contents';
  const styles = getComputedStyle(host);
  for (const name of PROPERTIES) standIn.style.setProperty(name, styles.getPropertyValue(name));
  const root = standIn.attachShadow({ mode: 'open' });
  for (const css of [CSS, TOAST_CSS]) addStyles(root, css);
  return standIn;
}
