/** The audit log: what operators have done. */

import { make, setHidden } from '../../../client/element/dom/dom.ts';
import type { AuditEntry } from '../../../core/operator/acts.ts';
import type { TaskFilter } from '../../../core/operator/tasks.ts';
import type { Context, View } from '../context.ts';
import { ago, box, type Content, clock, link, text, userText } from '../dom/elements.ts';
import { type Column, createTable } from '../dom/table.ts';
import { hrefOf, listHref } from '../route.ts';
import { clockWords } from '../words/times.ts';
import { ACT, formatNumber, shortId, statusWord, taskCount } from '../words/words.ts';

/** How many tasks of an entry are linked. */
const MOST_LINKS = 5;

/** Creates the view. @param cursor which page of the log; null for the newest entries */
export function createAuditView(context: Context, cursor: string | null): View {
  const { api } = context;
  const empty = text('p', 'Loading…', 'empty');
  const table = createTable<AuditEntry>({
    caption: 'Audit log',
    columns: auditColumns(context),
    keyOf: (entry) => JSON.stringify([entry.at, entry.who, entry.act, entry.name, entry.ids[0]]),
    empty,
  });
  const pages = make('nav', { class: 'pages', 'aria-label': 'Pages' });
  const older = link('', 'Older');
  if (cursor) pages.append(link(hrefOf({ view: 'audit', cursor: null }), 'Newest'));
  pages.append(older);
  setHidden(older, true);

  return {
    name: 'Audit log',
    element: box('div', 'view', text('h1', 'Audit log'), table.element, empty, pages),
    async refresh() {
      const { entries, nextCursor } = await api.audit(cursor);
      table.show(entries);
      empty.textContent = 'No operator has done anything yet.';
      setHidden(older, nextCursor === null);
      if (nextCursor) older.href = hrefOf({ view: 'audit', cursor: nextCursor });
    },
  };
}

function auditColumns({ api }: Context): Column<AuditEntry>[] {
  return [
    {
      label: 'When',
      isRowHeader: true,
      key: ({ at }) => at,
      draw: ({ at }) => [clock(at, api.now()), text('br', ''), box('span', 'muted light', ago(at, api.now()))],
    },
    {
      label: 'Who',
      key: ({ who }) => who,
      draw: ({ who }) => [who === null ? text('span', 'not known', 'muted') : userText(who)],
    },
    {
      label: 'What',
      key: ({ act, done, refused }) => [act, done, refused],
      draw: ({ act, done, refused }) => {
        const count = act === 'pause' || act === 'resume' ? '' : `: ${taskCount(done)}`;
        const content: Content = [`${ACT[act]}${count}`];
        return refused > 0 ? [...content, text('div', `${formatNumber(refused)} could not be`, 'muted')] : content;
      },
    },
    {
      label: 'On',
      key: ({ name, filter, owner }) => [name, filter, owner],
      draw: ({ name, filter, owner }) => [
        ...(name ? [link(listHref({ name }), userText(name))] : []),
        ...(filter ? [userText(filterWords(filter, api.now()))] : []),
        ...(owner ? [text('div', `owner ${owner} (hashed)`, 'muted')] : []),
      ],
    },
    {
      label: 'Tasks',
      key: ({ ids, done }) => [ids, done],
      draw: ({ ids, done }) => {
        const items = ids
          .slice(0, MOST_LINKS)
          .map((id) => box('li', '', link(hrefOf({ view: 'task', id }), shortId(id), 'nowrap')));
        if (items.length > 0 && done > items.length)
          items.push(text('li', `and ${formatNumber(done - items.length)} more`));
        return items.length > 0 ? [box('ul', 'chips', ...items)] : [];
      },
    },
  ];
}

/** A filter in words. The entry names its owner by a hash only, so an owner is not among them. @param now ms since 1970 */
function filterWords({ status, name, since, until, error }: TaskFilter, now: number): string {
  const parts = [
    status?.map(statusWord).join(' or '),
    name && `definition ${name}`,
    since && `created since ${clockWords(since, now)}`,
    until && `created before ${clockWords(until, now)}`,
    error && `error “${error}”`,
  ];
  return `All that match: ${parts.filter(Boolean).join(', ') || 'one owner'}`;
}
