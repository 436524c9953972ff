/** The columns of the table of definitions. It serves `overview-view.ts`. */

import type { DefinitionOverview } from '../../../core/operator/overview.ts';
import type { Context } from '../context.ts';
import { ago, box, type Content, link, rowButton, text, toned, userText } from '../dom/elements.ts';
import { drawSparkline } from '../dom/sparkline.ts';
import type { Column } from '../dom/table.ts';
import { listHref } from '../route.ts';
import { secondsWords } from '../words/times.ts';
import { ACT, formatNumber, withOneDecimal } from '../words/words.ts';

/** How many error codes the column of failures names. */
const MOST_CODES = 5;

/** Makes the columns. An operator who may not pause gets no column of buttons. */
export function definitionColumns(context: Context): Column<DefinitionOverview>[] {
  const { api } = context;
  const columns: Column<DefinitionOverview>[] = [
    {
      label: 'Definition',
      isRowHeader: true,
      key: ({ name, paused, workers }) => [name, paused, workers === 0],
      draw: ({ name, paused, workers }) => {
        const content: (Node | string)[] = [link(listHref({ name }), userText(name))];
        if (paused) {
          const by = paused.who ? [' by ', userText(paused.who)] : [];
          content.push(box('div', 'light', toned('warning', 'Paused'), ' ', ago(paused.since, api.now()), ...by));
        }
        if (workers === 0) content.push(box('div', 'light', toned('warning', 'No worker handles it')));
        return content;
      },
    },
    {
      label: 'Waiting',
      className: 'number',
      key: ({ name, counts, oldestQueuedAt }) => [name, counts.queued, oldestQueuedAt],
      draw: ({ name, counts, oldestQueuedAt }) => {
        const content: Content = [link(listHref({ name, status: ['queued'] }), formatNumber(counts.queued))];
        return oldestQueuedAt ? [...content, box('div', 'muted', 'oldest ', ago(oldestQueuedAt, api.now()))] : content;
      },
    },
    {
      label: 'Running',
      className: 'number',
      key: ({ name, counts }) => [name, counts.running, counts.retrying],
      draw: ({ name, counts }) => {
        const content: Content = [link(listHref({ name, status: ['running'] }), formatNumber(counts.running))];
        if (counts.retrying === 0) return content;
        return [
          ...content,
          box(
            'div',
            'muted',
            link(listHref({ name, status: ['retrying'] }), `${formatNumber(counts.retrying)} trying again`),
          ),
        ];
      },
    },
    {
      label: 'Ended a minute',
      className: 'number',
      key: ({ endedPerMinute, endedByMinute }) => [endedPerMinute, endedByMinute],
      draw: ({ endedPerMinute, endedByMinute }) => [drawSparkline(endedByMinute), ' ', withOneDecimal(endedPerMinute)],
    },
    {
      label: 'Run time',
      className: 'number',
      key: ({ runSeconds }) => runSeconds,
      draw: ({ runSeconds }) =>
        runSeconds
          ? [secondsWords(runSeconds.median), text('div', `95 % in ${secondsWords(runSeconds.p95)}`, 'muted nowrap')]
          : [],
    },
    {
      label: 'Failed in 24 h',
      key: ({ name, outcomes, failures }) => [name, outcomes.failed, failures],
      draw: ({ name, outcomes, failures }) => failureChips(name, outcomes.failed, failures),
    },
  ];
  if (!context.mayAct('pause')) return columns;
  columns.push({
    label: 'Act',
    className: 'act',
    key: ({ name, paused }) => [name, paused !== null],
    draw: ({ name, paused }) => {
      const act = paused ? 'resume' : 'pause';
      return [rowButton(ACT[act], name, () => context.act(act, { name }))];
    },
  });
  return columns;
}

function failureChips(name: string, failed: number, failures: DefinitionOverview['failures']): Content {
  if (failed === 0) return [text('span', 'none', 'muted')];
  const named = failures.slice(0, MOST_CODES);
  const rest = failed - named.reduce((sum, { count }) => sum + count, 0);
  const items = named.map(({ code, count }) =>
    box(
      'li',
      '',
      link(listHref({ name, status: ['failed'], error: code, age: '1d' }), userText(`${code} ${formatNumber(count)}`)),
    ),
  );
  if (rest > 0) {
    items.push(
      box(
        'li',
        '',
        link(
          listHref({ name, status: ['failed'], age: '1d' }),
          `${named.length > 0 ? 'others' : 'failed'} ${formatNumber(rest)}`,
        ),
      ),
    );
  }
  return [box('ul', 'chips', ...items)];
}
