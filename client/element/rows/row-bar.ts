/** The progress bar of a row. Knows how far it is, and when assistive technology last heard of it. */

import type { RowView } from '../../headless/words/describe.ts';
import { make, setAttribute } from '../dom/dom.ts';

/** Assistive technology hears of progress at most this often, in milliseconds. */
const ARIA_EVERY = 500;

export class RowBar {
  readonly #fill = make('div', { part: 'fill' });
  readonly element = make('div', { part: 'bar', role: 'progressbar' }, this.#fill);
  /** How far it was shown last; 0 where that was not known. */
  #fraction = 0;
  /** Our clock in milliseconds. */
  #ariaAt = -Infinity;

  /** @param label what the bar is about; @param now our clock in milliseconds */
  show({ fraction, text }: NonNullable<RowView['bar']>, label: string, now: number): void {
    this.#fillTo(fraction);
    if (now - this.#ariaAt < ARIA_EVERY) return;
    this.#ariaAt = now;
    setAttribute(this.element, 'aria-label', label);
    setAttribute(this.element, 'aria-valuenow', fraction === null ? null : String(Math.floor(fraction * 100)));
    setAttribute(this.element, 'aria-valuetext', text);
  }

  #fillTo(fraction: number | null): void {
    setAttribute(this.element, 'data-unknown', fraction === null ? '' : null);
    // A thousandth is the smallest step that can be seen, and each step starts a transition.
    const transform = fraction === null ? '' : `scaleX(${fraction.toFixed(3)})`;
    // Through the object model: a strict content policy refuses style attributes.
    const { style } = this.#fill;
    if (style.transform === transform) return;
    // There is more to do than was thought: the bar moves back slowly instead of jumping.
    setAttribute(this.element, 'data-back', fraction !== null && fraction < this.#fraction ? '' : null);
    this.#fraction = fraction ?? 0;
    style.transform = transform;
  }
}
