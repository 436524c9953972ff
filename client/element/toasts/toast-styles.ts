/**
 * The styles of toasts. They are fetched together with the toasts, at the first outcome, and use the names of
 * `dom/styles.ts`.
 */

/** To be added after the styles of `dom/styles.ts`: a toast is a row with some rules of its own. */
export const TOAST_CSS = `
.stack { position: fixed; inline-size: min(var(--inloop-width, 26rem), 100vw - 16px); z-index: var(--inloop-z-index, 1000); inset: var(--inloop-toast-inset, auto 16px 16px auto); max-block-size: 100vh; overflow: visible; border: 0; background: none; }
:host(:dir(rtl)) .stack { inset: var(--inloop-toast-inset, auto auto 16px 16px); }
.away, .toast { margin-block-start: 8px; animation: rise .2s ease-out; }
.away { display: flex; align-items: center; gap: .5em; padding-block: .7em; padding-inline: 1.1em .6em; }
.away p { flex: 1; }
.away .show { padding: .3em .8em; font-weight: 600; color: var(--_on-accent); background: var(--_accent); }
.toasts { container-type: inline-size; }
.stack .more { margin-block: 0; margin-inline: auto 0; color: var(--_text); background: var(--_surface); border: 1px solid var(--_line); }
@keyframes rise { from { opacity: 0; transform: translateY(4px); } }
@media (max-width: 480px) {
  .stack, :host(:dir(rtl)) .stack { inset: auto 8px 8px; max-block-size: calc(100dvh - 16px); overflow-y: auto; }
}
`;
