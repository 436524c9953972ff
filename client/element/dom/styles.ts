/**
 * The styles of the tray: its button, its panel and its rows, in light and dark as the page's `color-scheme` says. Pages
 * change them through custom properties (`--inloop-accent`) and parts (`inloop-tray::part(task)`); `docs/tray.md` lists both.
 *
 * Sides are named `inline` and `block`, so that pages written from right to left get a mirrored tray. `text-align` is the
 * exception: a title in another script has its own direction (`plaintext`), and `start` would move it to the other side.
 *
 * Names that begin with `--_` are for the tray's own styles only. A browser without `light-dark()` shows system colours.
 */

/** The styles. Those of toasts are in `toasts/toast-styles.ts`. */
export const CSS = `
:host {
  --_surface: var(--inloop-surface, light-dark(#fff, #181b22));
  --_raised: var(--inloop-raised, light-dark(#f4f5f8, #22262f));
  --_text: var(--inloop-text, light-dark(#1a1e27, #e7e9ef));
  --_muted: var(--inloop-muted, light-dark(#586173, #a4acbb));
  --_line: var(--inloop-line, light-dark(#e2e5eb, #2f3440));
  --_accent: var(--inloop-accent, light-dark(#2a58d0, #8db0ff));
  --_on-accent: var(--inloop-on-accent, light-dark(#fff, #10131a));
  --_good: var(--inloop-good, light-dark(#12734a, #62d19c));
  --_warning: var(--inloop-warning, light-dark(#8a5700, #efbb63));
  --_bad: var(--inloop-bad, light-dark(#b3261e, #ff958c));
  --_shadow: var(--inloop-shadow, 0 12px 32px light-dark(#1a1e2733, #0009));
  display: inline-block;
  position: relative;
  color: var(--_text);
  font: 400 var(--inloop-font-size, .875rem)/1.45 var(--inloop-font, system-ui, sans-serif);
  text-align: start;
}
@supports not (color: light-dark(#000, #fff)) {
  :host { --_surface: Canvas; --_text: CanvasText; --_line: GrayText; --_on-accent: Canvas; --_muted: CanvasText; --_accent: CanvasText; --_good: CanvasText; --_warning: CanvasText; --_bad: CanvasText; }
}
:host(:dir(rtl)) { --_start: right; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; margin: 0; padding: 0; }
button { font: inherit; color: inherit; background: none; border: 0; border-radius: 8px; cursor: pointer; }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
.task:focus-visible, .body:focus-visible { outline-offset: -2px; }
svg { display: block; inline-size: 1.25em; block-size: 1.25em; fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.sr { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.button { position: relative; display: inline-flex; align-items: center; gap: .5em; min-block-size: 2.5em; padding: .4em .85em; font-weight: 550; background: var(--_surface); border: 1px solid var(--_line); border-radius: 99px; }
.button:hover { background: var(--_raised); }
.count { min-inline-size: 1.6em; padding: 0 .45em; font-size: .86em; line-height: 1.6em; font-weight: 650; text-align: center; font-variant-numeric: tabular-nums; color: var(--_on-accent); background: var(--_accent); border-radius: 99px; }
.count[data-kind=active] { color: var(--_text); background: var(--_line); }
.count[data-kind=bad] { background: var(--_bad); }

.panel, .away, .toast { color: var(--_text); background: var(--_surface); border: 1px solid var(--_line); border-radius: var(--inloop-radius, 12px); box-shadow: var(--_shadow); }
:host([align=start]) .panel { inset-inline: 0 auto; }
.panel { inline-size: min(var(--inloop-width, 26rem), 100vw - 16px); position: absolute; z-index: var(--inloop-z-index, 1000); inset-block-start: calc(100% + 8px); inset-inline-end: 0; display: flex; flex-direction: column; max-block-size: min(36rem, 100vh - 6rem); overflow: hidden; }
.head { display: flex; align-items: center; justify-content: space-between; padding-block: .6em; padding-inline: 1.15em .6em; border-block-end: 1px solid var(--_line); }
h2 { font-size: 1.07em; font-weight: 650; }
.icon-button { padding: .45em; color: var(--_muted); }
.task > .icon-button { align-self: start; }
.icon-button:hover, .action:hover, .more:hover { background: var(--_raised); color: var(--_text); }
.banner { padding: .55em 1.15em; color: var(--_muted); background: var(--_raised); border-block-end: 1px solid var(--_line); }
.body { container-type: inline-size; overflow-y: auto; overscroll-behavior: contain; padding-block-end: .4em; }
h3 { position: sticky; inset-block-start: 0; z-index: 1; padding: .85em 1.25em .3em; font-size: .86em; font-weight: 600; color: var(--_muted); background: var(--_surface); }
.empty { padding: 2.4em 1.5em; color: var(--_muted); text-align: center; }
.more { display: block; margin: .3em auto; padding: .5em 1em; color: var(--_muted); }

.task { display: grid; grid-template-columns: auto minmax(0, 1fr); grid-auto-flow: column; column-gap: .8em; padding-block: .6em .7em; padding-inline: 1.15em .8em; border-block-start: 1px solid var(--_line); }
.block { content-visibility: auto; }
.block:first-child > :first-child { border: 0; }
.task > svg { margin-block-start: .1em; color: var(--_tone); }
[data-tone] { --_tone: var(--_muted); }
[data-tone=active] { --_tone: var(--_accent); }
[data-tone=good] { --_tone: var(--_good); }
[data-tone=bad] { --_tone: var(--_bad); }
:is([data-tone=warning], [data-tone=partial]) { --_tone: var(--_warning); }
[data-tone=active] > svg { stroke-dasharray: 34 12; animation: turn 1.4s linear infinite; }
[data-stale] { --_tone: var(--_muted); }
.block[data-far] :is(.fill, .task > svg), [data-stale] > svg { animation: none; }
.status { color: var(--_muted); font-variant-numeric: tabular-nums; }
.state { color: var(--_tone); unicode-bidi: isolate; }
[data-tone=active] .state { color: var(--_text); }
.title, a, .action { font-weight: 550; }
.banner, .status, .remark, .error, .links, .action { font-size: .93em; }
.remark { color: var(--_muted); }
.title, .remark, .error { overflow-wrap: anywhere; unicode-bidi: plaintext; text-align: var(--_start, left); }
:is([data-tone=bad], [data-tone=warning]) .remark { color: var(--_text); }
.error { color: var(--_bad); }
.bar, .segments { block-size: 5px; margin-block: .45em .3em; }
.bar { background: var(--_line); border-radius: 9px; overflow: hidden; }
.fill { block-size: 100%; background: var(--_tone); border-radius: inherit; transform-origin: var(--_start, left); }
[data-unknown] .fill { inline-size: 35%; animation: slide 1.6s ease-in-out infinite alternate; }
[data-stale] [data-unknown] .fill { margin-inline-start: 32%; }
[data-stale] .fill { animation: none; background: repeating-linear-gradient(-45deg, var(--_muted) 0 4px, transparent 4px 8px); }
.segments { display: flex; gap: 2px; }
.segments i { min-inline-size: 8px; border-radius: 9px; background: var(--_good); }
.segments i + i { background: repeating-linear-gradient(-45deg, var(--_warning) 0 3px, transparent 3px 5px); }
.segments i + i + i { background: var(--_bad); }
.links { display: flex; flex-wrap: wrap; gap: .2em 1em; }
a { color: var(--_accent); padding-block: .15em; }
.action { align-self: start; padding: .25em .7em; color: var(--_muted); border: 1px solid var(--_line); }
.action[aria-disabled=true] { opacity: .6; cursor: default; }

@keyframes turn { to { transform: rotate(1turn); } }
@keyframes slide { to { margin-inline-start: 65%; } }
@container (max-width: 17em) {
  .task { grid-auto-flow: row; }
  .task > .icon-button { grid-area: 1 / 3; }
  .action { grid-column: 2; justify-self: start; margin-block-start: .4em; }
}
@media (max-width: 480px) {
  .panel, :host([align=start]) .panel { position: fixed; inset-inline: 8px; inline-size: auto; inset-block: auto 8px; translate: none !important; }
  .panel { max-block-size: calc(100dvh - 16px); }
}
@media (prefers-reduced-motion: reduce) {
  * { animation: none !important; }
  [data-unknown] .fill { inline-size: 100%; opacity: .35; }
}
@media (forced-colors: active) {
  :host { --_muted: CanvasText; --_accent: CanvasText; --_good: CanvasText; --_warning: CanvasText; --_bad: CanvasText; }
  .bar, .segments, .count { border: 1px solid; }
  .bar, .segments { block-size: 8px; }
  .fill, .segments i { forced-color-adjust: none; }
}
`;

const sheets = new Map<string, CSSStyleSheet>();

/** Gives `root` styles: as sheets that all trays share, which a strict CSP allows. */
export function addStyles(root: ShadowRoot, css = CSS): void {
  const sheet = sheets.get(css) ?? new CSSStyleSheet();
  if (!sheets.has(css)) sheet.replaceSync(css);
  sheets.set(css, sheet);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}
