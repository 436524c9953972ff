/** `inloop/element`: importing it defines `<inloop-tray>` in browsers, and does nothing on a server. */

import { InloopTray } from './tray.ts';

export type { Wording } from '../headless/words/wording.ts';
export { InloopTray };

declare global {
  interface HTMLElementTagNameMap {
    'inloop-tray': InloopTray;
  }
}

if (globalThis.customElements && !customElements.get('inloop-tray')) customElements.define('inloop-tray', InloopTray);
