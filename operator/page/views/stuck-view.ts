/** The view of what is stuck, why, and what helps. */

import { setHidden } from '../../../client/element/dom/dom.ts';
import type { StuckItem } from '../../../core/operator/stuck.ts';
import type { Context, View } from '../context.ts';
import { ago, box, link, rowButton, text, toned, userText } from '../dom/elements.ts';
import { type Column, createTable } from '../dom/table.ts';
import { hrefOf, listHref } from '../route.ts';
import { ACT, STUCK, shortId, taskCount } from '../words/words.ts';

/** Creates the view. */
export function createStuckView(context: Context): View {
  const { api } = context;
  const empty = text('p', 'Loading…', 'empty');
  const table = createTable<StuckItem>({
    caption: 'What is stuck',
    columns: stuckColumns(context),
    keyOf: ({ reason, name }) => JSON.stringify([reason, name]),
    empty,
  });
  const partial = text('p', 'There are too many tasks to look at each. The numbers are too low.', 'note');
  setHidden(partial, true);

  return {
    name: 'Stuck',
    changesWithTime: true,
    element: box('div', 'view', text('h1', 'Stuck'), table.element, empty, partial),
    async refresh() {
      const { items, isPartial } = await api.stuck();
      table.show(items);
      empty.textContent = 'Nothing is stuck.';
      setHidden(partial, !isPartial);
    },
  };
}

function stuckColumns(context: Context): Column<StuckItem>[] {
  const { api } = context;
  const columns: Column<StuckItem>[] = [
    {
      label: 'What',
      isRowHeader: true,
      key: ({ name }) => name,
      draw: ({ name }) => [name === null ? 'The bus' : link(listHref({ name }), userText(name))],
    },
    {
      label: 'Why',
      key: ({ reason, workers }) => [reason, workers],
      draw: ({ reason, workers }) => {
        const why = toned('warning', STUCK[reason].why);
        return workers.length > 0 ? [why, box('div', 'muted user-text', `worker ${workers.join(', ')}`)] : [why];
      },
    },
    {
      label: 'Tasks',
      key: ({ count, ids }) => [count, ids],
      draw: ({ count, ids }) => {
        const items = ids.map((id) => box('li', '', link(hrefOf({ view: 'task', id }), shortId(id), 'nowrap')));
        return [text('div', taskCount(count)), box('ul', 'chips', ...items)];
      },
    },
    {
      label: 'Since',
      className: 'time',
      key: ({ since }) => since,
      draw: ({ since }) => (since ? [ago(since, api.now())] : []),
    },
    {
      label: 'What helps',
      className: 'cure',
      key: ({ reason }) => reason,
      draw: ({ reason }) => [STUCK[reason].cure],
    },
  ];
  if (!context.mayAct('resume')) return columns;
  columns.push({
    label: 'Act',
    className: 'act',
    key: ({ reason, name }) => [reason, name],
    draw: ({ reason, name }) => {
      if (reason !== 'paused' || name === null) return [];
      return [rowButton(ACT.resume, name, () => context.act('resume', { name }))];
    },
  });
  return columns;
}
