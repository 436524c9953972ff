/** The icons: one for each tone, one for the tray, one for closing. They differ in shape and not only in colour. */

import type { Tone } from '../../headless/words/describe.ts';
import { make } from './dom.ts';

const SVG = 'http://www.w3.org/2000/svg';
const RING = 'M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14';

/** Paths to be stroked, in a square of 20 × 20. */
export const PATHS: Readonly<Record<Tone | 'tray' | 'close', string>> = {
  waiting: `${RING}M10 6v4l3 2`,
  active: RING,
  warning: 'M10 3l8 14H2zM10 8v4M10 14v.1',
  good: `${RING}M7 10l2 2.5l4-5`,
  partial: `${RING}M6.5 10l2 2.5l2-2.5M13 7v3M13 13v.1`,
  bad: `${RING}M7.5 7.5l5 5m0-5l-5 5`,
  neutral: `${RING}M7 10h6`,
  tray: 'M3 11.5l2.5-7h9l2.5 7v5H3zh4l1 2h4l1-2h4',
  close: 'M5.5 5.5l9 9m0-9l-9 9',
};

/** A new icon, which `setIcon` can change. Hidden from assistive technology, since the text beside it says the same. */
export function makeIcon(name: keyof typeof PATHS): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS(SVG, 'path'));
  setIcon(svg, name);
  return svg;
}

/** Shows another icon in `svg`, an element of `makeIcon`. */
export function setIcon(svg: SVGSVGElement, name: keyof typeof PATHS): void {
  if (svg.dataset.icon === name) return;
  svg.dataset.icon = name;
  svg.firstElementChild?.setAttribute('d', PATHS[name]);
}

/** A button with a cross. Its name is an `aria-label`, which the caller sets. */
export function makeCloseButton(attributes: { readonly part: string }): HTMLButtonElement {
  return make('button', { class: 'icon-button', ...attributes }, makeIcon('close'));
}
