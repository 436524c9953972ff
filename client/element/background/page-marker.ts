/** Shows a `PageMark` on the document: before its title, and as its icon. */

import type { PageMark } from '../../headless/page-mark.ts';
import { mayChangeDirection, setApart } from '../../headless/words/plain-text.ts';
import { make } from '../dom/dom.ts';
import { PATHS } from '../dom/icons.ts';

/** The light colours of `dom/styles.ts`. An icon is drawn by the browser, outside of the page, so it has one set of colours. */
const COLOURS = { active: '#2a58d0', good: '#12734a', bad: '#b3261e', neutral: '#586173' } as const;

export interface PageMarker {
  /** Shows `mark` before the title, or with null removes it. The page may change its title at any time. */
  showTitle(mark: PageMark | null): void;
  /** Shows `mark` as the icon, or with null removes it. A content policy must allow `img-src data:`. */
  showIcon(mark: PageMark | null): void;
}

/** Marks nothing until one of its functions is called. */
export function createPageMarker(): PageMarker {
  /** The title as the page set it. */
  let title = '';
  /** The title as we set it; undefined while there is no mark in it. */
  let marked: string | undefined;
  /** Our icon. The page's own icons stay in the document. */
  let icon: HTMLLinkElement | undefined;
  return {
    showTitle(mark) {
      if (document.title !== marked) {
        // The page has set its title since, or there was no mark in it.
        title = document.title;
        if (!mark) return;
      }
      const next = mark ? prefix(mark.text, title) : title;
      if (document.title !== next) document.title = next;
      // Read back, since the document trims its title.
      marked = mark ? document.title : undefined;
    },
    showIcon(mark) {
      if (!mark) {
        icon?.remove();
        icon = undefined;
        return;
      }
      // Of several icons browsers show the last one.
      icon ??= document.head.appendChild(make('link', { rel: 'icon', type: 'image/svg+xml' }));
      const href = `data:image/svg+xml,${encodeURIComponent(draw(mark))}`;
      if (icon.getAttribute('href') !== href) icon.href = href;
    },
  };
}

/** `mark` before `title`. Both are isolated where the title runs from right to left, which would change their order. */
function prefix(mark: string, title: string): string {
  return mayChangeDirection(title) ? `${setApart(mark)} ${setApart(title)}` : `${mark} ${title}`;
}

/** A ring that fills up, or the sign of the outcome. */
function draw({ shape, fraction }: PageMark): string {
  const path = (colour: string, attributes = '') =>
    `<path d="${PATHS[shape]}" fill="none" stroke="${colour}" stroke-width="3" ${attributes}/>`;
  const part = `pathLength="100" stroke-dasharray="${Math.round((fraction ?? 0.25) * 100)} 100"`;
  const ring = shape === 'active' ? path('#b9c0cf') + path(COLOURS.active, part) : path(COLOURS[shape]);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><circle cx="10" cy="10" r="9" fill="#fff"/>${ring}</svg>`;
}
