/**
 * The figures at the top of the overview: sums over all definitions, what is stuck, the workers and the bus. A figure is a link to
 * what it counts. So an operator with a keyboard or a small screen gets there without passing all definitions.
 */

import { setAttribute, setText } from '../../../client/element/dom/dom.ts';
import type { Tone } from '../../../client/headless/words/describe.ts';
import type { DefinitionOverview, Overview } from '../../../core/operator/overview.ts';
import { box, link, text } from '../dom/elements.ts';
import { hrefOf, listHref } from '../route.ts';
import { formatNumber, withOneDecimal } from '../words/words.ts';

/** The ids of the sections of the overview to which figures lead. */
export const SECTIONS = { workers: 'workers', bus: 'bus' } as const;

interface Figure {
  readonly name: string;
  /** Where the figure leads; null if it is no link. */
  readonly href: string | null;
  readonly read: (overview: Overview) => readonly [value: string, tone: Tone];
}

const FIGURES: readonly Figure[] = [
  {
    name: 'Waiting',
    href: listHref({ status: ['queued'] }),
    read: ({ definitions }) => [formatNumber(sum(definitions, ({ counts }) => counts.queued)), 'neutral'],
  },
  {
    name: 'Running',
    href: listHref({ status: ['running'] }),
    read: ({ definitions }) => [formatNumber(sum(definitions, ({ counts }) => counts.running)), 'neutral'],
  },
  {
    name: 'Trying again',
    href: listHref({ status: ['retrying'] }),
    read: ({ definitions }) => [formatNumber(sum(definitions, ({ counts }) => counts.retrying)), 'neutral'],
  },
  {
    name: 'Ended a minute',
    href: null,
    read: ({ definitions }) => [withOneDecimal(sum(definitions, ({ endedPerMinute }) => endedPerMinute)), 'neutral'],
  },
  {
    name: 'Failed in 24 h',
    href: listHref({ status: ['failed'], age: '1d' }),
    read({ definitions }) {
      const failed = sum(definitions, ({ outcomes }) => outcomes.failed);
      return [formatNumber(failed), failed ? 'bad' : 'neutral'];
    },
  },
  {
    name: 'Stuck',
    href: hrefOf({ view: 'stuck' }),
    read: ({ stuck }) => [formatNumber(stuck), stuck ? 'warning' : 'neutral'],
  },
  {
    name: 'Workers alive',
    href: `#${SECTIONS.workers}`,
    read({ workers, workerCount }) {
      const gone = workers.filter(({ isAlive }) => !isAlive).length;
      if (gone > 0) return [`${formatNumber(workerCount - gone)} of ${formatNumber(workerCount)}`, 'bad'];
      if (workerCount === 0) return ['0', 'bad'];
      return [
        formatNumber(workerCount),
        workers.some(({ blockedSeconds }) => blockedSeconds > 0) ? 'warning' : 'neutral',
      ];
    },
  },
  {
    name: 'Bus',
    href: `#${SECTIONS.bus}`,
    read: ({ bus }) => [bus.outage ? 'Away' : 'Up', bus.outage ? 'bad' : 'neutral'],
  },
];

/** Creates the figures. `show` changes them in place, so a link that has the focus keeps it. */
export function createFigures(): { readonly element: HTMLElement; show(overview: Overview): void } {
  const figures = FIGURES.map(({ name, href, read }) => {
    const value = href === null ? text('span', '') : link(href, '');
    const cell = box('dd', '', value);
    return { name, read, value, cell, element: box('div', '', text('dt', name), cell) };
  });
  return {
    element: box('dl', 'figures', ...figures.map(({ element }) => element)),
    show(overview) {
      for (const { name, read, value, cell } of figures) {
        const [words, tone] = read(overview);
        setText(value, words);
        if (value instanceof HTMLAnchorElement) setAttribute(value, 'aria-label', `${name}: ${words}`);
        setAttribute(cell, 'data-tone', tone);
      }
    },
  };
}

function sum(definitions: readonly DefinitionOverview[], count: (one: DefinitionOverview) => number): number {
  return definitions.reduce((all, one) => all + count(one), 0);
}
