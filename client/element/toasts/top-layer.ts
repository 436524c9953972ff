/**
 * Keeps the toasts and the live region where they can be reached: above everything else on the page, and inside a modal
 * dialog while the page shows one, since everything outside of it is inert.
 */

import { make } from '../dom/dom.ts';
import { addStyles, CSS } from '../dom/styles.ts';
import { TOAST_CSS } from './toast-styles.ts';

/** What restyles a tray. A dialog is not inside of the tray, so it does not inherit them. */
const PROPERTIES: ReadonlySet<string> = new Set((CSS + TOAST_CSS).match(/--inloop-[\w-]+/g));

/**
 * Returns what moves both: call it whenever a dialog may have opened or closed, or `popover` was shown or hidden.
 * @param home where both are while there is no modal dialog
 * @param popover the toasts
 */
export function createTopLayer(home: ShadowRoot, popover: HTMLElement, live: HTMLElement): () => void {
  /** Stands in for the tray inside the modal dialog. */
  let standIn: HTMLElement | undefined;

  return () => {
    const modal = home.host.isConnected ? [...document.querySelectorAll('dialog:modal')].at(-1) : undefined;
    if (modal !== (standIn?.parentElement ?? undefined)) {
      standIn?.remove();
      standIn = modal?.appendChild(makeStandIn(home.host));
      (standIn?.shadowRoot ?? home).append(popover, live);
    }
    const { hidden, isConnected } = popover;
    if (isConnected && popover.matches(':popover-open') === hidden) popover.togglePopover?.();
  };
}

/** An element without a box that is styled as `host` is. */
function makeStandIn(host: Element): HTMLElement {
  const standIn = make('div');
  const { style } = standIn;
  style.display = 'contents';
  const styles = getComputedStyle(host);
  for (const name of PROPERTIES) style.setProperty(name, styles.getPropertyValue(name));
  const root = standIn.attachShadow({ mode: 'open' });
  for (const css of [CSS, TOAST_CSS]) addStyles(root, css);
  return standIn;
}
