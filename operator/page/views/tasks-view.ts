/** The list of tasks: the filter, pages of 50, and acts on some or on all that match. */

import { make, setHidden, setText } from '../../../client/element/dom/dom.ts';
import type { Act } from '../../../core/operator/acts.ts';
import type { OperatorTaskPage, TaskRow } from '../../../core/operator/tasks.ts';
import { PAGE_SIZE } from '../api.ts';
import type { Context, View } from '../context.ts';
import { box, button, clock, link, text } from '../dom/elements.ts';
import { createTable } from '../dom/table.ts';
import { hasCondition, hrefOf, type Route, toTaskFilter } from '../route.ts';
import { isSelected, NOTHING, nextSelection, type Selection, type SelectionEvent, targetOf } from '../selection.ts';
import { ACT, number, tasks } from '../words/words.ts';
import { createFilterForm } from './filter-form.ts';
import { taskColumns } from './task-table.ts';

const SELECT_PAGE = 'Select all on this page';
const BULK: readonly Act[] = ['retry', 'cancel'];

export function createTasksView(context: Context, route: Extract<Route, { view: 'tasks' }>): View {
  const { api } = context;
  const { filter, cursor } = route;
  let selection: Selection = NOTHING;
  let hasMore = false;
  let isFirst = true;

  const form = createFilterForm(filter, (next) => context.go(hrefOf({ view: 'tasks', filter: next, cursor: null })));
  const acts = BULK.filter((act) => context.mayAct(act));
  const selectPage = make('input', { type: 'checkbox', 'aria-label': SELECT_PAGE });
  const empty = text('p', 'Loading…', 'empty');
  const table = createTable<TaskRow>({
    caption: 'Tasks',
    columns: taskColumns(
      context,
      acts.length > 0
        ? {
            heading: box('label', '', selectPage, text('span', SELECT_PAGE)),
            isSelected: (id) => isSelected(selection, id),
            onSelect: (id, isOn) => {
              // Who takes one out of all that match keeps the others that are shown.
              if (selection === 'all') take({ type: 'set', ids: shownIds(), isOn: true });
              take({ type: 'set', ids: [id], isOn });
            },
          }
        : null,
    ),
    keyOf: ({ id }) => id,
    empty,
    onWaiting: showWaiting,
  });
  const selected = text('span', '');
  const selectAll = button('Select all that match', () => take({ type: 'all' }), 'small');
  const bulk = acts.map((act) => button(`${ACT[act]}…`, () => actOnSelection(act), 'small'));
  /** For the rows that the table holds back while somebody points at it (`../dom/held-rows.ts`). */
  const waiting = button('', () => table.release(), 'small');
  const tools = box('div', 'tools pending', selected, selectAll, ...bulk, waiting);
  const older = link('', 'Older', 'older');
  const pages = make('nav', { class: 'pages', 'aria-label': 'Pages' });
  const looked = text('p', '', 'muted');
  const mayForget = filter.owner && context.mayAct('forget');
  const head = box('div', 'head', text('h1', 'Tasks'));
  if (mayForget) head.append(button(`${ACT.forget}…`, () => context.act('forget', { owner: filter.owner })));
  if (cursor) pages.append(link(hrefOf({ ...route, cursor: null }), 'Newest'), ' ');
  pages.append(older);
  selectPage.addEventListener('change', () => take({ type: 'set', ids: shownIds(), isOn: selectPage.checked }));
  showWaiting(0);
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
    const ids = shownIds();
    const count = selection === 'all' ? ids.length : selection.size;
    const isAll = ids.length > 0 && count === ids.length;
    setText(
      selected,
      selection === 'all' ? 'All that match are selected' : count ? `${tasks(count)} selected` : 'Newest first',
    );
    selectPage.checked = isAll;
    selectPage.indeterminate = count > 0 && !isAll;
    // Without a condition, all that match would be all tasks there are.
    setHidden(selectAll, !(isAll && selection !== 'all' && (hasMore || cursor) && hasCondition(filter)));
    for (const element of bulk) setHidden(element, count === 0 && selection !== 'all');
  }

  function showWaiting(count: number): void {
    setText(waiting, `Show ${number(count)} more`);
    setHidden(waiting, count === 0);
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
    // A filter that reads many tasks to find a few stops somewhere; the next page goes on from there.
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
      rows.length === 0 ? (empty.textContent ?? '') : `${tasks(rows.length)}${hasMore ? ', and more' : ''}`,
    );
  }

  return {
    name: 'Tasks',
    element: box('div', 'view', head, form.element, tools, table.element, empty, looked, pages),
    async refresh() {
      show(await api.tasks(toTaskFilter(filter, api.now()), cursor));
    },
    showOverview: ({ definitions }) => form.showNames(definitions.map(({ name }) => name)),
  };
}
