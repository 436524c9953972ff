/** The overview: what runs and waits of each definition, the workers, and the bus. */

import { setHidden } from '../../../client/element/dom/dom.ts';
import type { Tone } from '../../../client/headless/words/describe.ts';
import type { BusOverview, Overview, WorkerOverview } from '../../../core/operator/overview.ts';
import type { Context, View } from '../context.ts';
import { ago, box, type Content, facts, text, toned } from '../dom/elements.ts';
import { createTable } from '../dom/table.ts';
import { number } from '../words/words.ts';
import { definitionColumns } from './definition-table.ts';
import { workerColumns } from './worker-table.ts';

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
  /** What the figures and the bus were drawn from, as JSON: they are drawn again only if it changes. */
  let drawnFrom = '';

  function show(overview: Overview): void {
    definitions.show(overview.definitions);
    workers.show(overview.workers);
    const hidden = overview.workerCount - overview.workers.length;
    moreWorkers.textContent = hidden > 0 ? `and ${number(hidden)} more` : '';
    setHidden(indexing, overview.index.isComplete);
    // The time changes with each overview, and is not shown.
    const { time: _, ...shown } = overview;
    const next = JSON.stringify(shown);
    if (next === drawnFrom) return;
    drawnFrom = next;
    figures.replaceChildren(...figuresOf(overview));
    bus.replaceChildren(facts('facts', busFacts(overview.bus, api.now())), text('p', overview.bus.assumption, 'note'));
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
    ['Ended a minute', withOneDecimal(sum(({ endedPerMinute }) => endedPerMinute)), 'neutral'],
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

/** What the card of the bus says. @param now the server's time, in milliseconds since 1970 */
function busFacts(bus: BusOverview, now: number): [name: string, content: Content][] {
  const { outage, backlog, backlogSince, messagesPerTask, messagesPerMonth, plan, tasksEnded } = bus;
  const state = outage ? [toned('bad', 'Does not answer'), ' since ', ago(outage.since, now)] : [toned('good', 'Up')];
  const oldest = backlogSince ? [', the oldest since ', ago(backlogSince, now)] : [];
  const messages =
    messagesPerTask === null
      ? 'No task has ended in the last hour'
      : `${withOneDecimal(messagesPerTask)}, over ${number(tasksEnded)} tasks`;
  const entries: [string, Content][] = [
    ['State', state],
    ['Kind', [bus.kind === 'hosted' ? 'Hosted Pusher' : 'Your own']],
    ['To be pushed', [number(backlog), ...oldest]],
    ['Messages a task', [messages]],
  ];
  if (messagesPerMonth === null) return entries;
  const cost = plan ? `${plan.name}, $${number(plan.dollarsPerMonth)} a month` : 'more than any plan';
  return [...entries, ['At this rate', [`${number(messagesPerMonth)} messages a month`]], ['On hosted Pusher', [cost]]];
}

function withOneDecimal(value: number): string {
  return number(Math.round(value * 10) / 10);
}
