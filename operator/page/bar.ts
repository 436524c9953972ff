/** The bar at the top of the page: links to the views, who looks at the page, and whether it is live. */

import { make, setAttribute, setHidden, setText } from '../../client/element/dom/dom.ts';
import type { OperatorSession } from '../../core/operator/calls.ts';
import { link, userText } from './dom/elements.ts';
import type { LinkState } from './live/live-state.ts';
import { hrefOf, NO_FILTER, type Route } from './route.ts';
import { formatNumber } from './words/words.ts';

const LINK_WORDS: Readonly<Record<LinkState, string>> = {
  connecting: 'Connecting…',
  live: 'Live',
  lost: 'Not live, connecting again…',
};

const VIEWS: readonly (readonly [label: string, route: Route])[] = [
  ['Overview', { view: 'overview' }],
  ['Tasks', { view: 'tasks', filter: NO_FILTER, cursor: null }],
  ['Stuck', { view: 'stuck' }],
  ['Audit log', { view: 'audit', cursor: null }],
];

/** The elements of index.html that the bar fills. */
export interface BarElements {
  readonly nav: HTMLElement;
  readonly role: HTMLElement;
  readonly link: HTMLElement;
}

/** The bar, which changes in place. */
export interface Bar {
  /** Marks the link to the view that is shown. The view of one task counts as part of the list. */
  showView(view: Route['view']): void;
  /** Shows how many things are stuck, beside the link to them. */
  showStuck(count: number): void;
  /** Shows whether the live stream is up. */
  showLink(state: LinkState): void;
}

/** Fills the bar. */
export function createBar(elements: BarElements, { acts, who }: OperatorSession): Bar {
  const stuck = make('span', { class: 'count', hidden: '' });
  const links = VIEWS.map(([label, route]) => ({ view: route.view, element: link(hrefOf(route), label) }));
  links.find(({ view }) => view === 'stuck')?.element.append(stuck);
  elements.nav.replaceChildren(make('ul', {}, ...links.map(({ element }) => make('li', {}, element))));
  const may = acts.length > 0 ? 'may act' : 'may look';
  elements.role.replaceChildren(...(who ? [userText(who, 'who'), ` ${may}`] : [`You ${may}`]));
  return {
    showView(view) {
      for (const { view: target, element } of links) {
        const isCurrent = target === view || (target === 'tasks' && view === 'task');
        setAttribute(element, 'aria-current', isCurrent ? 'page' : null);
      }
    },
    showStuck(count) {
      setText(stuck, formatNumber(count));
      setHidden(stuck, count === 0);
    },
    showLink(state) {
      elements.link.dataset.state = state;
      setText(elements.link, LINK_WORDS[state]);
    },
  };
}
