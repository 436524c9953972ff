/** Puts the mark of `headless/page-mark.ts` on the document: before its title, and as its icon. */

import type { PageMark } from '../../headless/page-mark.ts';
import { mayTurn, setApart } from '../../headless/words/plain-text.ts';
import { make } from '../dom/dom.ts';
import { PATHS } from '../dom/icons.ts';

const COLOURS = { active: '#2a58d0', good: '#12734a', bad: '#b3261e', neutral: '#586173' } as const;

export class PageMarker {
  /** The title as the page set it. */
  #title = '';
  /** The title as we set it; undefined while there is no mark in it. */
  #marked: string | undefined;
  /** Our icon. Those of the page stay in the document. */
  #icon: HTMLLinkElement | undefined;

  /** Shows `mark` in the title, or takes it away. Follows a page that changes its title meanwhile. */
  showTitle(mark: PageMark | null): void {
    if (document.title !== this.#marked) {
      this.#title = document.title;
      if (!mark) return;
    }
    const next = mark ? prefix(mark.text, this.#title) : this.#title;
    if (document.title !== next) document.title = next;
    // Read back: the document trims it.
    this.#marked = mark ? document.title : undefined;
  }

  /** Shows `mark` as the icon, or takes it away. A content policy must allow `img-src data:`. */
  showIcon(mark: PageMark | null): void {
    if (!mark) {
      this.#icon?.remove();
      this.#icon = undefined;
      return;
    }
    // Browsers take the last of several icons.
    this.#icon ??= document.head.appendChild(make('link', { rel: 'icon', type: 'image/svg+xml' }));
    const href = `data:image/svg+xml,${encodeURIComponent(draw(mark))}`;
    if (this.#icon.getAttribute('href') !== href) this.#icon.href = href;
  }
}

/** `mark` before `title`, set apart where the title is written from right to left and would change the order of the two. */
function prefix(mark: string, title: string): string {
  return mayTurn(title) ? `${setApart(mark)} ${setApart(title)}` : `${mark} ${title}`;
}

/** A ring that fills up, or the sign of the outcome. */
function draw({ shape, fraction }: PageMark): string {
  const style = (colour: string, more = '') => `fill="none" stroke="${colour}" stroke-width="3" ${more}`;
  const path = (attributes: string) => `<path d="${PATHS[shape]}" ${attributes}/>`;
  const part = `pathLength="100" stroke-dasharray="${Math.round((fraction ?? 0.25) * 100)} 100"`;
  const ring =
    shape === 'active' ? path(style('#b9c0cf')) + path(style(COLOURS.active, part)) : path(style(COLOURS[shape]));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><circle cx="10" cy="10" r="9" fill="#fff"/>${ring}</svg>`;
}
