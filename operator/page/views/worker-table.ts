/** The columns of the table of workers. It serves `overview-view.ts`. */

import { ENGLISH } from '../../../client/headless/words/wording.ts';
import type { WorkerOverview } from '../../../core/operator/overview.ts';
import type { Context } from '../context.ts';
import { ago, box, link, text, toned, userText } from '../dom/elements.ts';
import type { Column } from '../dom/table.ts';
import { hrefOf } from '../route.ts';
import { formatNumber, shortId, taskCount } from '../words/words.ts';

/** Makes the columns: the worker, whether it is alive, when it started, and what it runs. */
export function workerColumns({ api }: Context): Column<WorkerOverview>[] {
  return [
    {
      label: 'Worker',
      isRowHeader: true,
      key: ({ id, names }) => [id, names],
      draw: ({ id, names }) => [userText(shortId(id)), text('div', names.join(', '), 'muted user-text light')],
    },
    {
      label: 'State',
      key: ({ isAlive, blockedSeconds }) => [isAlive, Math.round(blockedSeconds)],
      draw: ({ isAlive, blockedSeconds }) => {
        if (!isAlive) return [toned('bad', 'Gone. Its tasks start again elsewhere')];
        if (blockedSeconds > 0)
          return [toned('warning', `Blocked for ${ENGLISH.duration(Math.round(blockedSeconds))}`)];
        return [toned('good', 'Alive')];
      },
    },
    {
      label: 'Started',
      className: 'time',
      key: ({ since }) => since,
      draw: ({ since }) => (since ? [ago(since, api.now())] : []),
    },
    {
      label: 'Runs',
      key: ({ running, runningCount, concurrency }) => [running, runningCount, concurrency],
      draw: ({ running, runningCount, concurrency }) => {
        if (runningCount === 0) return [text('span', 'nothing', 'muted')];
        const most = concurrency ? `, up to ${formatNumber(concurrency)} a definition` : '';
        const items = running.map(({ id, name, since }) => {
          const started = since ? [' ', ago(since, api.now())] : [];
          return box('li', '', link(hrefOf({ view: 'task', id }), userText(name)), ...started);
        });
        if (runningCount > running.length)
          items.push(text('li', `and ${formatNumber(runningCount - running.length)} more`));
        return [text('div', `${taskCount(runningCount)}${most}`, 'muted'), box('ul', 'plain', ...items)];
      },
    },
  ];
}
