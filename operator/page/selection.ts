/** Which tasks of the list are selected: some of those that are shown, or all that match the filter. Pure. */

import type { ActTarget } from '../../core/operator/acts.ts';
import type { TaskFilter } from '../../core/operator/tasks.ts';

/** `all`: all tasks that match the filter, shown or not. */
export type Selection = 'all' | ReadonlySet<string>;

export type SelectionEvent =
  | { readonly type: 'set'; readonly ids: readonly string[]; readonly isOn: boolean }
  | { readonly type: 'all' }
  | { readonly type: 'none' }
  /** The list shows these tasks now. Those that have left it are not selected any more: nobody sees them. */
  | { readonly type: 'shown'; readonly ids: readonly string[] };

export const NOTHING: Selection = new Set();

export function nextSelection(selection: Selection, event: SelectionEvent): Selection {
  switch (event.type) {
    case 'all':
      return 'all';
    case 'none':
      return NOTHING;
    case 'set': {
      // Who takes one out of all wants some of those that are shown.
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

export function isSelected(selection: Selection, id: string): boolean {
  return selection === 'all' || selection.has(id);
}

/** What an act on the selection is about; null if nothing is selected. */
export function targetOf(selection: Selection, filter: TaskFilter): ActTarget | null {
  if (selection === 'all') return { filter };
  return selection.size > 0 ? { ids: [...selection] } : null;
}
