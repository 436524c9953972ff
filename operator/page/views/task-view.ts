/** The view of one task: its status, its facts, its story, and its payload if the application shows that. */

import { setHidden, setText } from '../../../client/element/dom/dom.ts';
import type { TaskDetails } from '../../../core/operator/task-details.ts';
import type { Context, View } from '../context.ts';
import { box, type Content, facts, text } from '../dom/elements.ts';
import { STUCK } from '../words/words.ts';
import { createStoryList } from './story-list.ts';
import { factsOf } from './task-facts.ts';
import { statusOf, taskButtons } from './task-table.ts';

/** Creates the view. @param id of the task */
export function createTaskView(context: Context, id: string): View {
  const { api } = context;
  const title = box('h1', 'user-text', 'Task');
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
  /** From which data the facts and the buttons were drawn, as JSON. They are drawn again only if these change. */
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
 * Replaces the content of an element. If, for example, the second link in it had the focus, the second link of the new content gets
 * it, or `fallback` if there is none.
 */
function refill(element: HTMLElement, fallback: HTMLElement, content: Content): void {
  const at = [...element.querySelectorAll('a')].indexOf(document.activeElement as HTMLAnchorElement);
  element.replaceChildren(...content);
  if (at >= 0) (element.querySelectorAll('a')[at] ?? fallback).focus();
}

/** The sections of the payload. Parts that the task does not have are left out. */
function payloadOf(data: NonNullable<TaskDetails['payload']>): Content {
  const names = { note: 'Note', input: 'Input', result: 'Result', checkpoint: 'Checkpoint' } as const;
  return Object.entries(names).flatMap(([key, name]) => {
    const value = data[key as keyof typeof names];
    if (value === null) return [];
    const pre = text('pre', value, 'user-text');
    pre.tabIndex = 0;
    pre.setAttribute('aria-label', name);
    pre.setAttribute('role', 'region');
    return [box('section', 'card', text('h2', name), pre)];
  });
}
