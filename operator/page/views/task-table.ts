/** The columns of the table of tasks. It serves `tasks-view.ts`; `task-view.ts` uses the buttons and the status. */

import { make } from '../../../client/element/dom/dom.ts';
import { isolate } from '../../../client/headless/words/plain-text.ts';
import type { TaskRow } from '../../../core/operator/tasks.ts';
import type { Context } from '../context.ts';
import { ago, box, link, rowButton, toned, userText } from '../dom/elements.ts';
import type { Column } from '../dom/table.ts';
import { hrefOf, listHref } from '../route.ts';
import { ACT, progressWords, statusWord, toneOf } from '../words/words.ts';

/** The selection, for the checkboxes of the rows. */
export interface RowSelection {
  /** The checkbox in the heading. */
  readonly heading: HTMLElement;
  readonly isSelected: (id: string) => boolean;
  readonly onSelect: (id: string, isOn: boolean) => void;
}

/** Makes the columns. @param selection null for operators who may not act: they get no checkboxes and no buttons */
export function taskColumns(context: Context, selection: RowSelection | null): Column<TaskRow>[] {
  const { api } = context;
  const columns: Column<TaskRow>[] = [
    {
      label: 'Task',
      isRowHeader: true,
      key: ({ id, title }) => [id, title],
      draw: ({ id, title }) => [link(hrefOf({ view: 'task', id }), userText(title, 'title'))],
    },
    {
      label: 'Status',
      className: 'status',
      key: ({ status, progress, attempt, attempts }) => [status, progress, attempt, attempts],
      draw: (task) => statusOf(task),
    },
    {
      label: 'Definition',
      className: 'name',
      key: ({ name }) => name,
      draw: ({ name }) => [link(listHref({ name }), userText(name))],
    },
    {
      label: 'Owner',
      key: ({ owner }) => owner,
      draw: ({ owner }) => [link(listHref({ owner }), userText(owner, 'title'))],
    },
    {
      label: 'Created',
      className: 'time',
      key: ({ createdAt }) => createdAt,
      draw: ({ createdAt }) => [ago(createdAt, api.now())],
    },
    {
      label: 'Error',
      key: ({ error }) => error,
      draw: ({ error }) =>
        error ? [box('span', 'title', box('b', '', userText(error.code)), ': ', userText(error.message))] : [],
    },
  ];
  if (!selection) return columns;
  columns.unshift({
    label: 'Select',
    heading: selection.heading,
    className: 'check',
    key: ({ id, title }) => [id, title],
    draw: ({ id, title }) => {
      const input = make('input', { type: 'checkbox', 'aria-label': `Select: ${isolate(title)}` });
      input.addEventListener('change', () => selection.onSelect(id, input.checked));
      return [box('label', '', input)];
    },
    sync: (cell, { id }) => {
      const input = cell.querySelector('input');
      if (input) input.checked = selection.isSelected(id);
    },
  });
  columns.push({
    label: 'Act',
    className: 'act',
    key: ({ id, title, canRetry, canCancel }) => [id, title, canRetry, canCancel],
    draw: (task) => taskButtons(context, task, 'small'),
  });
  return columns;
}

/** The buttons of what this operator may do with a task now. */
export function taskButtons(
  context: Context,
  { id, title, canRetry, canCancel }: TaskRow,
  className = '',
): HTMLElement[] {
  const acts = [...(canRetry ? (['retry'] as const) : []), ...(canCancel ? (['cancel'] as const) : [])];
  return acts
    .filter((act) => context.mayAct(act))
    .map((act) => rowButton(ACT[act], title, () => context.act(act, { ids: [id] }), className));
}

/**
 * The status in words. A second line says how far the task is, and also which attempt it is once there was more than one. That line
 * is there even if it is empty, so that rows do not move when a task starts or ends.
 */
export function statusOf(task: TaskRow): HTMLElement[] {
  const { status, progress, attempt, attempts } = task;
  const detail = box('div', 'detail muted');
  if (status === 'running' && progress?.total) {
    const bar = make('progress', { 'aria-label': 'Progress', max: String(progress.total) });
    bar.value = progress.done;
    detail.append(bar);
  }
  const attemptWords = attempt > 1 ? `attempt ${attempt} of ${attempts}` : '';
  detail.append([progressWords(task), attemptWords].filter(Boolean).join(', '));
  return [toned(toneOf(task), statusWord(status)), detail];
}
