/** Which tasks of the list are selected: some of those that are shown, or all that match the filter. Pure. It serves `views/tasks-view.ts`. */

import type { ActTarget } from '../../core/operator/acts.ts';
import type { TaskFilter } from '../../core/operator/tasks.ts';

/** The ids of tasks that are shown; or `all`: all tasks that match the filter, shown or not. */
export type Selection = 'all' | ReadonlySet<string>;

/** What changes a selection. */
export type SelectionEvent =
  /** These tasks were selected, or with `isOn: false` taken out. */
  | { readonly type: 'set'; readonly ids: readonly string[]; readonly isOn: boolean }
  | { readonly type: 'all' }
  | { readonly type: 'none' }
  /** The list shows these tasks now. A task that nobody sees any more must not stay selected. */
  | { readonly type: 'shown'; readonly ids: readonly string[] };

export const NOTHING_SELECTED: Selection = new Set();

/** The selection after an event. */
export function nextSelection(selection: Selection, event: SelectionEvent): Selection {
  switch (event.type) {
    case 'all':
      return 'all';
    case 'none':
      return NOTHING_SELECTED;
    case 'set': {
      // From `all`, nothing is left but what the event selects: the ids of all are not known here.
      const next = new Set(selection === 'all' ? [] : selection);
      for (const id of event.ids) {
        if (event.isOn) next.add(id);
        else next.delete(id);
      }
      return next;
    }
    case 'shown': {
      if (selection === 'all') return selection;
      const shown = new Set(event.ids);
      const next = [...selection].filter((id) => shown.has(id));
      return next.length === selection.size ? selection : new Set(next);
    }
  }
}

/** Whether a task that is shown is selected. */
export function isSelected(selection: Selection, id: string): boolean {
  return selection === 'all' || selection.has(id);
}

/** What an act on the selection is about; null if nothing is selected. @param filter that of the list */
export function targetOf(selection: Selection, filter: TaskFilter): ActTarget | null {
  if (selection === 'all') return { filter };
  return selection.size > 0 ? { ids: [...selection] } : null;
}
