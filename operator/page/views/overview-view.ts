/** The overview: the figures, what runs and waits of each definition, the workers, and the bus. */

import { setHidden } from '../../../client/element/dom/dom.ts';
import type { BusOverview, Overview, WorkerOverview } from '../../../core/operator/overview.ts';
import type { Context, View } from '../context.ts';
import { ago, box, type Content, facts, text, toned } from '../dom/elements.ts';
import { createTable } from '../dom/table.ts';
import { formatNumber, withOneDecimal } from '../words/words.ts';
import { definitionColumns } from './definition-table.ts';
import { createFigures, SECTIONS } from './figures.ts';
import { workerColumns } from './worker-table.ts';

/** Creates the view. It shows the overviews that the page hands on. */
export function createOverviewView(context: Context): View {
  const { api } = context;
  const figures = createFigures();
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
  /** From which data the bus was drawn, as JSON. It is drawn again only if they change. */
  let drawnFrom = '';

  function show(overview: Overview): void {
    definitions.show(overview.definitions);
    workers.show(overview.workers);
    const hidden = overview.workerCount - overview.workers.length;
    moreWorkers.textContent = hidden > 0 ? `and ${formatNumber(hidden)} more` : '';
    setHidden(indexing, overview.index.isComplete);
    figures.show(overview);
    const next = JSON.stringify(overview.bus);
    if (next === drawnFrom) return;
    drawnFrom = next;
    bus.replaceChildren(facts('facts', busFacts(overview.bus, api.now())), text('p', overview.bus.assumption, 'note'));
  }

  return {
    name: 'Overview',
    element: box(
      'div',
      'view',
      text('h1', 'Overview'),
      indexing,
      figures.element,
      definitions.element,
      noDefinitions,
      box(
        'div',
        'columns',
        section(SECTIONS.workers, 'view', text('h2', 'Workers'), workers.element, noWorkers, moreWorkers),
        section(SECTIONS.bus, 'card', text('h2', 'Bus'), bus),
      ),
    ),
    async refresh() {
      const known = context.getOverview();
      if (known) show(known);
    },
    showOverview: show,
  };
}

/** A section to which a link of this page leads: it can take the focus. */
function section(id: string, className: string, ...content: Content): HTMLElement {
  const element = box('section', className, ...content);
  element.id = id;
  element.tabIndex = -1;
  return element;
}

/** What the section about the bus says. @param now the server's time, in milliseconds since 1970 */
function busFacts(bus: BusOverview, now: number): [name: string, content: Content][] {
  const { outage, backlog, backlogSince, messagesPerTask, messagesPerMonth, plan, tasksEnded } = bus;
  const state = outage ? [toned('bad', 'Does not answer'), ', began ', ago(outage.since, now)] : [toned('good', 'Up')];
  const oldest = backlogSince ? [', the oldest from ', ago(backlogSince, now)] : [];
  const messages =
    messagesPerTask === null
      ? 'No task has ended in the last hour'
      : `${withOneDecimal(messagesPerTask)}, over ${formatNumber(tasksEnded)} tasks`;
  const entries: [string, Content][] = [
    ['State', state],
    ['Kind', [bus.kind === 'hosted' ? 'Hosted Pusher' : 'Your own']],
    ['To be pushed', [formatNumber(backlog), ...oldest]],
    ['Messages a task', [messages]],
  ];
  if (messagesPerMonth === null) return entries;
  const cost = plan ? `${plan.name}, $${formatNumber(plan.dollarsPerMonth)} a month` : 'more than any plan';
  return [
    ...entries,
    ['At this rate', [`${formatNumber(messagesPerMonth)} messages a month`]],
    ['On hosted Pusher', [cost]],
  ];
}
