/** The progress bar of a row. It is drawn with every call, and its value for assistive technology is set twice a second. */

import type { RowView } from '../../headless/words/describe.ts';
import { make, setAttribute } from '../dom/dom.ts';

/** The least time between two values for assistive technology, in milliseconds. */
const ARIA_INTERVAL = 500;

export class RowBar {
  readonly #fill = make('div', { part: 'fill' });
  readonly element = make('div', { part: 'bar', role: 'progressbar' }, this.#fill);
  /** The fraction that was drawn last; 0 where it was not known. */
  #fraction = 0;
  /** When the value for assistive technology was last set; our clock in milliseconds. */
  #ariaAt = -Infinity;

  /** @param label what the bar is about; @param now our clock in milliseconds */
  show({ fraction, text }: NonNullable<RowView['bar']>, label: string, now: number): void {
    this.#fillTo(fraction);
    if (now - this.#ariaAt < ARIA_INTERVAL) return;
    this.#ariaAt = now;
    setAttribute(this.element, 'aria-label', label);
    setAttribute(this.element, 'aria-valuenow', fraction === null ? null : String(Math.floor(fraction * 100)));
    setAttribute(this.element, 'aria-valuetext', text);
  }

  #fillTo(fraction: number | null): void {
    setAttribute(this.element, 'data-unknown', fraction === null ? '' : null);
    // Three decimals: a smaller step cannot be seen, but would start a transition too.
    const transform = fraction === null ? '' : `scaleX(${fraction.toFixed(3)})`;
    // Set as a property, since a strict content policy refuses style attributes.
    const { style } = this.#fill;
    if (style.transform === transform) return;
    // Where the total has grown, the bar moves back slowly instead of jumping.
    setAttribute(this.element, 'data-back', fraction !== null && fraction < this.#fraction ? '' : null);
    this.#fraction = fraction ?? 0;
    style.transform = transform;
  }
}
