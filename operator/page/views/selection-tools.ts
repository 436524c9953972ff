/** The line above the list of tasks: how many are selected, and what can be done with them. It serves `tasks-view.ts`. */

import { make, setHidden, setText } from '../../../client/element/dom/dom.ts';
import type { Act } from '../../../core/operator/acts.ts';
import { box, button, text } from '../dom/elements.ts';
import type { Selection } from '../selection.ts';
import { ACT, formatNumber, taskCount } from '../words/words.ts';

const SELECT_PAGE = 'Select all on this page';

export interface SelectionToolsOptions {
  /** The acts for which there is a button. */
  readonly acts: readonly Act[];
  /** All tasks of this page were selected, or with false taken out. */
  readonly onSelectPage: (isOn: boolean) => void;
  /** All tasks that match the filter were selected. */
  readonly onSelectAll: () => void;
  readonly onAct: (act: Act) => void;
  /** The operator wants to see the rows that the table holds back (`../dom/held-rows.ts`). */
  readonly onRelease: () => void;
}

/** What the tools say and offer. */
export interface SelectionState {
  readonly selection: Selection;
  /** How many tasks this page shows. */
  readonly shown: number;
  /** Whether more tasks match the filter than this page shows, and all of them may be selected. */
  readonly canSelectAll: boolean;
}

/** The tools, which change in place. */
export interface SelectionTools {
  readonly element: HTMLElement;
  /** The checkbox for all tasks of this page. It stands in the heading of the table. */
  readonly heading: HTMLElement;
  show(state: SelectionState): void;
  /** Shows how many rows the table holds back. */
  showWaiting(count: number): void;
}

/** Creates the tools. */
export function createSelectionTools(options: SelectionToolsOptions): SelectionTools {
  const { acts, onSelectPage, onSelectAll, onAct, onRelease } = options;
  const selectPage = make('input', { type: 'checkbox', 'aria-label': SELECT_PAGE });
  const selected = text('span', '');
  const selectAll = button('Select all that match', onSelectAll, 'small');
  const bulk = acts.map((act) => button(`${ACT[act]}…`, () => onAct(act), 'small'));
  const waiting = button('', onRelease, 'small');
  selectPage.addEventListener('change', () => onSelectPage(selectPage.checked));
  return {
    element: box('div', 'tools pending', selected, selectAll, ...bulk, waiting),
    heading: box('label', '', selectPage, text('span', SELECT_PAGE)),
    show({ selection, shown, canSelectAll }) {
      const count = selection === 'all' ? shown : selection.size;
      const isPage = shown > 0 && count === shown;
      setText(
        selected,
        selection === 'all' ? 'All that match are selected' : count ? `${taskCount(count)} selected` : 'Newest first',
      );
      selectPage.checked = isPage;
      selectPage.indeterminate = count > 0 && !isPage;
      setHidden(selectAll, !(isPage && selection !== 'all' && canSelectAll));
      for (const element of bulk) setHidden(element, count === 0 && selection !== 'all');
    },
    showWaiting(count) {
      setText(waiting, `Show ${formatNumber(count)} more`);
      setHidden(waiting, count === 0);
    },
  };
}
