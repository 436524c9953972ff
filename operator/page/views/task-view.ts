/** One task: where it stands, its facts, and its story. */

import { setChildren, setHidden, setText } from '../../../client/element/dom/dom.ts';
import type { StoryEntry, TaskDetails } from '../../../core/operator-api.ts';
import type { Context, View } from '../context.ts';
import { box, type Content, clock, facts, text } from '../dom/elements.ts';
import { STUCK, shortId, storyTone, storyWords } from '../words/words.ts';
import { factsOf } from './task-facts.ts';
import { statusOf, taskButtons } from './task-table.ts';

export function createTaskView(context: Context, id: string): View {
  const { api } = context;
  const title = box('h1', 'own', 'Task');
  const acts = box('div', 'tools');
  const status = box('div', '');
  const stuck = box('div', 'card');
  const factList = box('div', '');
  const story = box('ol', 'story');
  const cut = text('p', 'What happened before this is not known any more.', 'note');
  const payload = box('div', 'view');
  const body = box(
    'div',
    'columns',
    box('section', 'card', text('h2', 'Facts'), factList),
    box('section', 'card', text('h2', 'What happened'), story, cut),
  );
  title.dir = 'auto';
  title.tabIndex = -1;
  for (const element of [stuck, body]) setHidden(element, true);
  /** The elements of the story, by what they say. */
  let lines = new Map<string, HTMLElement>();
  let drawn = '';
  let drawnActs = '';

  function show(details: TaskDetails): void {
    const { task, story: entries, isStoryCut, stuck: reason, facts: known, payload: data } = details;
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
      refill(factList, [facts('facts', factsOf(details, api.now()))]);
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
    if (entry.worker) what.append(' ', text('span', `worker ${shortId(entry.worker)}`, 'muted'));
    if (entry.dueAt) what.append(', next attempt at ', clock(entry.dueAt, api.now()));
    const line = box('li', '', clock(entry.at, api.now()), what);
    line.dataset.tone = storyTone(entry);
    return line;
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
