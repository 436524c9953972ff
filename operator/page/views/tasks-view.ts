/** The list of tasks: the filter, pages of 50, and acts on some or on all that match. */

import { make, setHidden, setText } from '../../../client/element/dom/dom.ts';
import type { Act } from '../../../core/operator/acts.ts';
import type { OperatorTaskPage, TaskRow } from '../../../core/operator/tasks.ts';
import { PAGE_SIZE } from '../api.ts';
import type { Context, View } from '../context.ts';
import { box, button, clock, link, text } from '../dom/elements.ts';
import { createTable } from '../dom/table.ts';
import { hasCondition, hrefOf, type Route, toTaskFilter } from '../route.ts';
import {
  isSelected,
  NOTHING_SELECTED,
  nextSelection,
  type Selection,
  type SelectionEvent,
  targetOf,
} from '../selection.ts';
import { ACT, taskCount } from '../words/words.ts';
import { createFilterForm } from './filter-form.ts';
import { createSelectionTools } from './selection-tools.ts';
import { taskColumns } from './task-table.ts';

/** The acts on the tasks that are selected. */
const BULK: readonly Act[] = ['retry', 'cancel'];

/** Creates the view. @param route its filter, and which page of the list */
export function createTasksView(context: Context, route: Extract<Route, { view: 'tasks' }>): View {
  const { api } = context;
  const { filter, cursor } = route;
  let selection: Selection = NOTHING_SELECTED;
  let hasMore = false;
  let isFirst = true;

  const form = createFilterForm(filter, (next) => context.go(hrefOf({ view: 'tasks', filter: next, cursor: null })));
  const acts = BULK.filter((act) => context.mayAct(act));
  const tools = createSelectionTools({
    acts,
    onSelectPage: (isOn) => take({ type: 'set', ids: shownIds(), isOn }),
    onSelectAll: () => take({ type: 'all' }),
    onAct: actOnSelection,
    onRelease: () => table.release(),
  });
  const rowSelection = {
    heading: tools.heading,
    isSelected: (id: string) => isSelected(selection, id),
    onSelect(id: string, isOn: boolean) {
      // If all that match were selected, the other tasks that are shown stay selected.
      if (selection === 'all') take({ type: 'set', ids: shownIds(), isOn: true });
      take({ type: 'set', ids: [id], isOn });
    },
  };
  const empty = text('p', 'Loading…', 'empty');
  const table = createTable<TaskRow>({
    caption: 'Tasks',
    columns: taskColumns(context, acts.length > 0 ? rowSelection : null),
    keyOf: ({ id }) => id,
    empty,
    onWaiting: tools.showWaiting,
  });
  const older = link('', 'Older');
  const pages = make('nav', { class: 'pages', 'aria-label': 'Pages' });
  const looked = text('p', '', 'muted');
  const mayForget = filter.owner && context.mayAct('forget');
  const head = box('div', 'head', text('h1', 'Tasks'));
  if (mayForget) head.append(button(`${ACT.forget}…`, () => context.act('forget', { owner: filter.owner })));
  if (cursor) pages.append(link(hrefOf({ ...route, cursor: null }), 'Newest'), ' ');
  pages.append(older);
  tools.showWaiting(0);
  showSelection();

  function shownIds(): string[] {
    return table.rows.map(({ id }) => id);
  }

  function take(event: SelectionEvent): void {
    selection = nextSelection(selection, event);
    table.redraw();
    showSelection();
  }

  function actOnSelection(act: Act): void {
    const target = targetOf(selection, toTaskFilter(filter, api.now()));
    if (target) context.act(act, target);
  }

  function showSelection(): void {
    // Without a condition, all that match would be all tasks there are.
    const canSelectAll = (hasMore || cursor !== null) && hasCondition(filter);
    tools.show({ selection, shown: table.rows.length, canSelectAll });
  }

  function show({ tasks: rows, nextCursor, lookedUntil }: OperatorTaskPage): void {
    hasMore = nextCursor !== null;
    table.show(rows);
    selection = nextSelection(selection, { type: 'shown', ids: shownIds() });
    showSelection();
    setText(
      empty,
      hasCondition(filter) ? 'No task matches this filter.' : 'No tasks yet. They show up here when they are started.',
    );
    setHidden(older, !hasMore);
    if (nextCursor) older.href = hrefOf({ ...route, cursor: nextCursor });
    // The server reads a limited number of tasks for a page. If few of them match, the page is short, and the next one goes on.
    const isShort = hasMore && lookedUntil !== null && rows.length < PAGE_SIZE;
    looked.replaceChildren(
      ...(isShort
        ? ['Looked at all tasks since ', clock(lookedUntil, api.now()), '. “Older” goes on from there.']
        : []),
    );
    if (isShort && rows.length === 0) setText(empty, 'None of these tasks matches.');
    if (!isFirst) return;
    isFirst = false;
    context.announce(
      rows.length === 0 ? (empty.textContent ?? '') : `${taskCount(rows.length)}${hasMore ? ', and more' : ''}`,
    );
  }

  return {
    name: 'Tasks',
    element: box('div', 'view', head, form.element, tools.element, table.element, empty, looked, pages),
    async refresh() {
      show(await api.tasks(toTaskFilter(filter, api.now()), cursor));
    },
    showOverview: ({ definitions }) => form.showNames(definitions.map(({ name }) => name)),
  };
}
