/** One task: where it stands, its facts, and its story. */

import { setHidden, setText } from '../../../client/element/dom/dom.ts';
import type { TaskDetails } from '../../../core/operator/task-details.ts';
import type { Context, View } from '../context.ts';
import { box, type Content, facts, text } from '../dom/elements.ts';
import { STUCK } from '../words/words.ts';
import { createStoryList } from './story-list.ts';
import { factsOf } from './task-facts.ts';
import { statusOf, taskButtons } from './task-table.ts';

export function createTaskView(context: Context, id: string): View {
  const { api } = context;
  const title = box('h1', 'own', 'Task');
  const acts = box('div', 'tools');
  const status = box('div', '');
  const stuck = box('div', 'card');
  const factList = box('div', '');
  const story = createStoryList(api);
  const cut = text('p', 'What happened before this is not known any more.', 'note');
  const payload = box('div', 'view');
  const body = box(
    'div',
    'columns',
    box('section', 'card', text('h2', 'Facts'), factList),
    box('section', 'card', text('h2', 'What happened'), story.element, cut),
  );
  title.dir = 'auto';
  title.tabIndex = -1;
  for (const element of [stuck, body]) setHidden(element, true);
  /** What the facts and the buttons were drawn from, as JSON: each is drawn again only if it changes. */
  let drawnFrom = '';
  let buttonsFrom = '';

  function show(details: TaskDetails): void {
    const { task, story: entries, isStoryCut, stuck: reason, facts: known, payload: data } = details;
    setText(title, task.title);
    const buttons = JSON.stringify([task.canRetry, task.canCancel]);
    if (buttons !== buttonsFrom) {
      const hadFocus = acts.contains(document.activeElement);
      acts.replaceChildren(...taskButtons(context, task));
      if (hadFocus) (acts.querySelector('button') ?? title).focus();
      buttonsFrom = buttons;
    }
    const next = JSON.stringify([task, known, reason, data]);
    if (next !== drawnFrom) {
      drawnFrom = next;
      status.replaceChildren(...statusOf(task));
      stuck.replaceChildren(...(reason ? [text('h2', STUCK[reason].why), text('p', STUCK[reason].cure)] : []));
      setHidden(stuck, reason === null);
      refill(factList, title, [facts('facts', factsOf(details, api.now()))]);
      refill(payload, title, data ? payloadOf(data) : []);
    }
    setHidden(body, false);
    setHidden(cut, !isStoryCut);
    story.show(entries);
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

/**
 * Replaces the content of an element. If a link in it had the focus, the link at the same place gets it; `otherwise` gets it
 * if there is none.
 */
function refill(element: HTMLElement, otherwise: HTMLElement, content: Content): void {
  const at = [...element.querySelectorAll('a')].indexOf(document.activeElement as HTMLAnchorElement);
  element.replaceChildren(...content);
  if (at >= 0) (element.querySelectorAll('a')[at] ?? otherwise).focus();
}

/** What the application has agreed to show of the task: note, input, result and checkpoint. */
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
