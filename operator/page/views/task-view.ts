/** One task: where it stands, its facts, and its story. */

import { setChildren, setHidden, setText } from '../../../client/element/dom/dom.ts';
import type { StoryEntry, TaskDetails } from '../../../core/operator-api.ts';
import type { Context, View } from '../context.ts';
import { ago, box, type Content, clock, facts, link, own, text } from '../dom/elements.ts';
import { hrefOf, listHref } from '../route.ts';
import { betweenWords } from '../words/times.ts';
import { number, STUCK, storyTone, storyWords } from '../words/words.ts';
import { statusOf, taskButtons } from './task-table.ts';

export function createTaskView(context: Context, id: string): View {
  const { api } = context;
  const title = box('h1', 'own', 'Task');
  const acts = box('div', 'tools');
  const status = box('div', '');
  const stuck = box('div', 'card');
  const details = box('div', '');
  const story = box('ol', 'story');
  const cut = text('p', 'What happened before this is not known any more.', 'note');
  const payload = box('div', 'view');
  const body = box(
    'div',
    'columns',
    box('section', 'card', text('h2', 'Facts'), details),
    box('section', 'card', text('h2', 'What happened'), story, cut),
  );
  title.dir = 'auto';
  for (const element of [stuck, body]) setHidden(element, true);
  /** The elements of the story, by what they say. */
  let lines = new Map<string, HTMLElement>();
  let drawn = '';
  let drawnActs = '';

  function show({ task, story: entries, isStoryCut, stuck: reason, facts: known, payload: data }: TaskDetails): void {
    setText(title, task.title);
    const buttons = JSON.stringify([task.canRetry, task.canCancel]);
    if (buttons !== drawnActs) {
      const hadFocus = acts.contains(document.activeElement);
      acts.replaceChildren(...taskButtons(context, task));
      if (hadFocus) (acts.querySelector('button') ?? title).focus();
      drawnActs = buttons;
    }
    const all = JSON.stringify([task, known, reason, data]);
    if (all !== drawn) {
      drawn = all;
      status.replaceChildren(...statusOf(task));
      stuck.replaceChildren(...(reason ? [text('h2', STUCK[reason].why), text('p', STUCK[reason].cure)] : []));
      setHidden(stuck, reason === null);
      refill(details, [facts('facts', factsOf(task, known))]);
      refill(payload, data ? payloadOf(data) : []);
    }
    setHidden(body, false);
    setHidden(cut, !isStoryCut);
    showStory(entries);
  }

  /** Replaces the content of an element. If a link in it had the focus, the link at the same place gets it. */
  function refill(element: HTMLElement, content: Content): void {
    const at = [...element.querySelectorAll('a')].indexOf(document.activeElement as HTMLAnchorElement);
    element.replaceChildren(...content);
    if (at >= 0) (element.querySelectorAll('a')[at] ?? title).focus();
  }

  function showStory(entries: readonly StoryEntry[]): void {
    const next = new Map<string, HTMLElement>();
    for (const [index, entry] of entries.entries()) {
      const key = JSON.stringify([index, entry]);
      next.set(key, lines.get(key) ?? storyLine(entry));
    }
    lines = next;
    setChildren(story, [...next.values()]);
  }

  function storyLine(entry: StoryEntry): HTMLElement {
    const what = box('div', '', storyWords(entry));
    if (entry.worker) what.append(' ', text('span', `worker ${entry.worker}`, 'muted'));
    if (entry.dueAt) what.append(', next ', ago(entry.dueAt, api.now()));
    const line = box('li', '', clock(entry.at, api.now()), what);
    line.dataset.tone = storyTone(entry);
    return line;
  }

  function factsOf(task: TaskDetails['task'], known: TaskDetails['facts']): [string, Content][] {
    const now = api.now();
    const { error, startedAt, finishedAt, dueAt, signOfLifeAt } = task;
    const { worker, gate, children, parent, retryOf, retriedBy, ahead } = known;
    const other = (name: string, other: string | null): [string, Content][] =>
      other ? [[name, [link(hrefOf({ view: 'task', id: other }), other)]]] : [];
    const time = (name: string, at: string | null): [string, Content][] =>
      at ? [[name, [clock(at, now), ' · ', ago(at, now)]]] : [];
    return [
      ...(error ? [['Error', [box('b', '', own(error.code)), ': ', own(error.message)]] as [string, Content]] : []),
      ['Definition', [link(listHref({ name: task.name }), own(task.name))]],
      ['Owner', [link(listHref({ owner: task.owner }), own(task.owner))]],
      ...time('Created', task.createdAt),
      ...time('Started', startedAt),
      ...time('Due', dueAt),
      ...time('Ended', finishedAt),
      ...(startedAt && finishedAt ? [['Took', [betweenWords(startedAt, finishedAt)]] as [string, Content]] : []),
      ...time('Last sign of life', finishedAt ? null : signOfLifeAt),
      ...time('Seen by its owner', task.seenAt),
      [
        'Attempt',
        [
          `${number(task.attempt)} of ${number(task.attempts)}, ${number(known.runs)} runs, ${number(known.crashes)} crashes`,
        ],
      ],
      ...(worker ? [['Worker', workerWords(worker)] as [string, Content]] : []),
      ...(ahead === null ? [] : [['In line', [`${number(ahead)} ahead of it`]] as [string, Content]]),
      ...(gate
        ? [['Concurrency key', [own(gate.name), ` (${number(gate.limit)} at a time)`]] as [string, Content]]
        : []),
      ...(children
        ? [
            [
              'Children',
              [`${number(children.ended)} of ${number(children.total)} ended, ${number(children.failed)} failed`],
            ] as [string, Content],
          ]
        : []),
      ...other('Started by', parent),
      ...other('Retry of', retryOf),
      ...other('Retried by', retriedBy),
      ...(known.isUnpushed ? [['Push', ['The bus has not taken its latest push']] as [string, Content]] : []),
      ['Id', [task.id]],
    ];
  }

  return {
    name: 'Task',
    taskId: id,
    element: box('div', 'view', box('div', 'head', title, acts), status, stuck, body, payload),
    async refresh() {
      show(await api.task(id));
    },
  };
}

function workerWords({ id, isAlive, blockedSeconds }: NonNullable<TaskDetails['facts']['worker']>): Content {
  if (!isAlive) return [id, text('span', ', gone', 'bad')];
  return blockedSeconds > 0 ? [id, text('span', `, blocked for ${Math.round(blockedSeconds)} s`, 'bad')] : [id];
}

/** What the application has agreed to show. */
function payloadOf(data: NonNullable<TaskDetails['payload']>): Content {
  const names = { note: 'Note', input: 'Input', result: 'Result', checkpoint: 'Checkpoint' } as const;
  return Object.entries(names).flatMap(([key, name]) => {
    const value = data[key as keyof typeof names];
    if (value === null) return [];
    const pre = text('pre', value, 'own');
    pre.tabIndex = 0;
    pre.setAttribute('aria-label', name);
    pre.setAttribute('role', 'region');
    return [box('section', 'card', text('h2', name), pre)];
  });
}
