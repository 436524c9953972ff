/** Draws the toasts in a corner of the page, and their summary above. `toast-stack.ts` decides when, and what a click does. */

import type { OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import { countOutcomes } from '../../headless/groups.ts';
import { remember } from '../../headless/memory.ts';
import { showToasts, type ToastQueue } from '../../headless/outcomes/toasts.ts';
import { describeTask, type RowContext } from '../../headless/words/describe.ts';
import { make, setAttribute, setChildren, setHidden, setText } from '../dom/dom.ts';
import { makeCloseButton } from '../dom/icons.ts';
import { createRow, type Row } from '../rows/row.ts';
import type { RowCommands } from '../rows/row-commands.ts';

export interface ToastViewOptions {
  readonly commands: RowCommands;
  /** The user wants to see more. */
  readonly onShow: () => void;
  /** The user has dismissed the outcomes of these tasks. */
  readonly onDismiss: (ids: readonly string[]) => void;
  /** The user has dismissed the summary. */
  readonly onDismissSummary: () => void;
}

/** What the toasts are drawn from besides the queue. */
export interface ToastContext extends Omit<RowContext, 'isRetried'> {
  /** The outcome as it is now; undefined where it needs no toast any more. */
  readonly find: (id: string) => OutcomeSnapshot | undefined;
}

export interface ToastView {
  readonly element: HTMLElement;
  /** Draws `queue`. @param isMissed whether its summary is of outcomes that were missed, and not of a burst */
  draw(queue: ToastQueue, isMissed: boolean, context: ToastContext): void;
  /** The task whose toast contains `node`; undefined where `node` is in no toast. */
  idAt(node: Node): string | undefined;
}

/** Makes the elements, and leaves it to the caller to put them into the page. */
export function createToastView(options: ToastViewOptions): ToastView {
  /** The toasts that are drawn, by task id. */
  const toasts = new Map<string, Row>();
  const list = make('div', { class: 'toasts', role: 'list' });
  const moreButton = make('button', { class: 'more', part: 'toast-more' });
  const summaryText = make('p');
  const showButton = make('button', { class: 'show', part: 'away-show' });
  const dismissButton = makeCloseButton({ part: 'away-dismiss' });
  const summary = make('div', { part: 'away' }, summaryText, showButton, dismissButton);
  const element = make(
    'div',
    { class: 'stack', part: 'toasts', role: 'group', popover: 'manual', hidden: '' },
    summary,
    moreButton,
    list,
  );
  showButton.addEventListener('click', options.onShow);
  moreButton.addEventListener('click', options.onShow);
  dismissButton.addEventListener('click', options.onDismissSummary);

  function makeToast(id: string): Row {
    const row = createRow(options.commands, 'toast', () => options.onDismiss([id]));
    toasts.set(id, row);
    return row;
  }

  return {
    element,
    draw(queue, isMissed, context) {
      const { wording } = context;
      const { shown, more } = showToasts(queue);
      setAttribute(element, 'aria-label', wording.toasts);
      setHidden(summary, queue.summary.length === 0);
      setText(summaryText, wording[isMissed ? 'away' : 'sayMany'](...countOutcomes(queue.summary)));
      setText(showButton, wording.show);
      setAttribute(dismissButton, 'aria-label', wording.dismiss);
      setHidden(moreButton, more === 0);
      setText(moreButton, wording.moreToasts(more));
      const elements = shown.map(({ task: { id } }) => {
        const row = toasts.get(id) ?? makeToast(id);
        // `toast-stack.ts` removes toasts whose task is not found before it draws.
        const task = context.find(id) as OutcomeSnapshot;
        const view = describeTask(remember(undefined, task), { ...context, isRetried: false });
        // A failed task offers Retry. A cancelled one does not, since the user has just cancelled it.
        row.update(task.status === 'failed' ? view : { ...view, action: null }, wording, context.now);
        return row.element;
      });
      setChildren(list, elements);
      for (const [id, row] of toasts) if (!row.element.isConnected) toasts.delete(id);
    },
    idAt: (node) => [...toasts].find(([, row]) => row.element.contains(node))?.[0],
  };
}
