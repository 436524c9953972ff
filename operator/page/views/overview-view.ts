/** The overview: what runs and waits of each definition, the workers, and the bus. */

import { setHidden } from '../../../client/element/dom/dom.ts';
import type { Tone } from '../../../client/headless/words/describe.ts';
import { ENGLISH } from '../../../client/headless/words/wording.ts';
import type { BusOverview, Overview, WorkerOverview } from '../../../core/operator-api.ts';
import type { Context, View } from '../context.ts';
import { ago, box, type Content, facts, link, own, text, toned } from '../dom/elements.ts';
import { createTable } from '../dom/table.ts';
import { hrefOf } from '../route.ts';
import { number, shortId, tasks } from '../words/words.ts';
import { definitionColumns } from './definition-table.ts';

export function createOverviewView(context: Context): View {
  const { api } = context;
  const figures = box('dl', 'figures');
  const noDefinitions = text('p', 'No server or worker has named a definition yet.', 'empty');
  const noWorkers = text('p', 'No worker is alive. Tasks wait until one starts.', 'empty');
  for (const element of [noDefinitions, noWorkers]) setHidden(element, true);
  const definitions = createTable({
    caption: 'Definitions',
    columns: definitionColumns(context),
    keyOf: ({ name }) => name,
    empty: noDefinitions,
  });
  const workers = createTable<WorkerOverview>({
    caption: 'Workers',
    columns: workerColumns(context),
    keyOf: ({ id }) => id,
    empty: noWorkers,
  });
  const moreWorkers = text('p', '', 'note');
  const bus = box('div', '');
  const indexing = text(
    'p',
    'Tasks from before this page was mounted are still being listed. Figures are too low meanwhile.',
    'note',
  );
  let drawn = '';

  function show(overview: Overview): void {
    definitions.show(overview.definitions);
    workers.show(overview.workers);
    const hidden = overview.workerCount - overview.workers.length;
    moreWorkers.textContent = hidden > 0 ? `and ${number(hidden)} more` : '';
    setHidden(indexing, overview.index.isComplete);
    const { time: _, ...rest } = overview;
    const all = JSON.stringify(rest);
    if (all === drawn) return;
    drawn = all;
    figures.replaceChildren(...figuresOf(overview));
    bus.replaceChildren(facts('facts', busFacts(overview.bus)), text('p', overview.bus.assumption, 'note'));
  }

  function busFacts({
    kind,
    outage,
    backlog,
    backlogSince,
    messagesPerTask,
    messagesPerMonth,
    plan,
    tasksEnded,
  }: BusOverview) {
    const now = api.now();
    const entries: [string, Content][] = [
      ['State', outage ? [toned('bad', 'Does not answer'), ' since ', ago(outage.since, now)] : [toned('good', 'Up')]],
      ['Kind', [kind === 'hosted' ? 'Hosted Pusher' : 'Your own']],
      [
        'To be pushed',
        backlogSince ? [number(backlog), ', the oldest since ', ago(backlogSince, now)] : [number(backlog)],
      ],
      [
        'Messages a task',
        [
          messagesPerTask === null
            ? 'No task has ended in the last hour'
            : `${number(Math.round(messagesPerTask * 10) / 10)}, over ${number(tasksEnded)} tasks`,
        ],
      ],
    ];
    if (messagesPerMonth !== null) {
      const cost = plan ? `${plan.name}, $${number(plan.dollarsPerMonth)} a month` : 'more than any plan';
      entries.push(['At this rate', [`${number(messagesPerMonth)} messages a month`]], ['On hosted Pusher', [cost]]);
    }
    return entries;
  }

  return {
    name: 'Overview',
    element: box(
      'div',
      'view',
      text('h1', 'Overview'),
      indexing,
      figures,
      definitions.element,
      noDefinitions,
      box(
        'div',
        'columns',
        box('section', 'view', text('h2', 'Workers'), workers.element, noWorkers, moreWorkers),
        box('section', 'card', text('h2', 'Bus'), bus),
      ),
    ),
    async refresh() {
      const known = context.getOverview();
      if (known) show(known);
    },
    showOverview: show,
  };
}

/** The sums over all definitions. */
function figuresOf({ definitions, workers, workerCount, stuck, bus }: Overview): HTMLElement[] {
  const sum = (value: (definition: Overview['definitions'][number]) => number) =>
    definitions.reduce((all, definition) => all + value(definition), 0);
  const failed = sum(({ outcomes }) => outcomes.failed);
  const isAlive = workers.some((worker) => worker.isAlive);
  const figures: [name: string, value: string, tone: Tone][] = [
    ['Waiting', number(sum(({ counts }) => counts.queued)), 'neutral'],
    ['Running', number(sum(({ counts }) => counts.running)), 'neutral'],
    ['Trying again', number(sum(({ counts }) => counts.retrying)), 'neutral'],
    ['Ended a minute', number(Math.round(sum(({ endedPerMinute }) => endedPerMinute) * 10) / 10), 'neutral'],
    ['Failed in 24 h', number(failed), failed ? 'bad' : 'neutral'],
    ['Stuck', number(stuck), stuck ? 'warning' : 'neutral'],
    ['Workers', number(workerCount), isAlive ? 'neutral' : 'bad'],
    ['Bus', bus.outage ? 'Away' : 'Up', bus.outage ? 'bad' : 'neutral'],
  ];
  return figures.map(([name, value, tone]) => {
    const figure = text('dd', value);
    figure.dataset.tone = tone;
    return box('div', '', text('dt', name), figure);
  });
}

function workerColumns({ api }: Context) {
  return [
    {
      label: 'Worker',
      isRowHeader: true,
      key: ({ id, names }: WorkerOverview) => [id, names],
      draw: ({ id, names }: WorkerOverview): Content => [
        own(shortId(id)),
        text('div', names.join(', '), 'muted own light'),
      ],
    },
    {
      label: 'State',
      key: ({ isAlive, blockedSeconds }: WorkerOverview) => [isAlive, Math.round(blockedSeconds)],
      draw: ({ isAlive, blockedSeconds }: WorkerOverview): Content => {
        if (!isAlive) return [toned('bad', 'Gone. Its tasks start again elsewhere')];
        if (blockedSeconds > 0)
          return [toned('warning', `Blocked for ${ENGLISH.duration(Math.round(blockedSeconds))}`)];
        return [toned('good', 'Alive')];
      },
    },
    {
      label: 'Up',
      className: 'time',
      key: ({ since }: WorkerOverview) => since,
      draw: ({ since }: WorkerOverview): Content => (since ? [ago(since, api.now())] : []),
    },
    {
      label: 'Runs',
      key: ({ running, runningCount, concurrency }: WorkerOverview) => [running, runningCount, concurrency],
      draw: ({ running, runningCount, concurrency }: WorkerOverview): Content => {
        if (runningCount === 0) return [text('span', 'nothing', 'muted')];
        const items = running.map(({ id, name, since }) =>
          box('li', '', link(hrefOf({ view: 'task', id }), own(name)), ...(since ? [' ', ago(since, api.now())] : [])),
        );
        if (runningCount > running.length) items.push(text('li', `and ${number(runningCount - running.length)} more`));
        return [
          text(
            'div',
            `${tasks(runningCount)}${concurrency ? `, up to ${number(concurrency)} a definition` : ''}`,
            'muted',
          ),
          box('ul', 'plain', ...items),
        ];
      },
    },
  ];
}
