/** One sign for each tone, told apart by shape and not by colour alone. Drawn on 20 × 20. */

import type { Tone } from '../view/describe.ts';

const SVG = 'http://www.w3.org/2000/svg';
const RING = 'M10 2.75a7.25 7.25 0 1 0 0 14.5a7.25 7.25 0 1 0 0-14.5';

/** As a path of 20 × 20, to be stroked. */
export const PATHS: Readonly<Record<Tone | 'tray' | 'close', string>> = {
  waiting: `${RING}M10 6v4.2l2.6 1.6`,
  active: `${RING}`,
  warning: 'M10 3.2L17.6 16.4H2.4zM10 8.2v3.6M10 14.1v.1',
  good: `${RING}M6.7 10.2l2.3 2.3l4.4-4.7`,
  partial: `${RING}M6.7 10.2l2.3 2.3l1.4-1.5M13.2 7.4v3M13.2 12.9v.1`,
  bad: `${RING}M7.5 7.5l5 5M12.5 7.5l-5 5`,
  neutral: `${RING}M6.8 10h6.4`,
  tray: 'M3 11.5l2.2-6.4a1.2 1.2 0 0 1 1.1-.8h7.4a1.2 1.2 0 0 1 1.1.8L17 11.5v3.3a1.2 1.2 0 0 1-1.2 1.2H4.2A1.2 1.2 0 0 1 3 14.8zM3 11.5h3.8l1 2h4.4l1-2H17',
  close: 'M5.5 5.5l9 9M14.5 5.5l-9 9',
};

/** A new picture that `setIcon` can change. Hidden from assistive technology: the words beside it say the same. */
export function makeIcon(name: keyof typeof PATHS): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS(SVG, 'path'));
  setIcon(svg, name);
  return svg;
}

export function setIcon(svg: SVGSVGElement, name: keyof typeof PATHS): void {
  if (svg.dataset.icon === name) return;
  svg.dataset.icon = name;
  svg.firstElementChild?.setAttribute('d', PATHS[name]);
}
