/**
 * The toasts beside the page, and the summary of what was missed. `headless/outcomes/toasts.ts` decides which toasts there
 * are. This file draws them, lets their time pass, and handles clicks and keys.
 */

import type { OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import { LONGEST_WAIT } from '../../environment.ts';
import { countOutcomes } from '../../headless/groups.ts';
import { remember } from '../../headless/memory.ts';
import {
  addSummary,
  addToasts,
  keepToasts,
  NO_TOASTS,
  passTime,
  showToasts,
  type ToastQueue,
} from '../../headless/outcomes/toasts.ts';
import { describeTask, type RowContext } from '../../headless/words/describe.ts';
import { linksOf } from '../../headless/words/result.ts';
import { ENGLISH } from '../../headless/words/wording.ts';
import { keepFocus, make, setAttribute, setChildren, setHidden, setText } from '../dom/dom.ts';
import { makeCloseButton } from '../dom/icons.ts';
import { addStyles } from '../dom/styles.ts';
import { createRow, type Row } from '../rows/row.ts';
import type { RowCommands } from '../rows/row-commands.ts';
import { TOAST_CSS } from './toast-styles.ts';
import { createTopLayer } from './top-layer.ts';

export interface ToastStackOptions {
  /** Where the toasts are while no modal dialog is open. */
  readonly root: ShadowRoot;
  /** The live region. It moves with the toasts into a modal dialog, since screen readers ignore everything outside of one. */
  readonly live: HTMLElement;
  readonly commands: RowCommands;
  /** The user wants to see more. */
  readonly onShow: () => void;
  /** The user has dismissed the outcomes of these tasks. */
  readonly onDismiss: (ids: readonly string[]) => void;
  /** The focus was in a toast that was dismissed, and no other toast has the focus now. */
  readonly onLeave: () => unknown;
}

/** What the toasts are drawn from besides the queue. */
export interface ToastContext extends Omit<RowContext, 'isRetried'> {
  /** The outcome as it is now; undefined where it needs no toast any more. */
  readonly find: (id: string) => OutcomeSnapshot | undefined;
}

export interface ToastStack {
  readonly element: HTMLElement;
  /** Moves the toasts into or out of a modal dialog. Call it whenever one may have opened or closed. */
  place(): void;
  /** Focuses the first visible button or link. Returns whether there is one. */
  focus(): boolean;
  /** Shows outcomes that were just reached, for `duration` milliseconds each. */
  add(tasks: readonly OutcomeSnapshot[], duration: number): void;
  /** Adds outcomes to the summary that were reached while nobody looked. */
  addMissed(tasks: readonly OutcomeSnapshot[]): void;
  /** Removes all toasts. */
  clear(): void;
  /** Draws the toasts as they are now. Without `context`, uses that of the last call. */
  update(context?: ToastContext): void;
}

export function createToastStack({ root, live, commands, onShow, onDismiss, onLeave }: ToastStackOptions): ToastStack {
  /** The toasts that are drawn, by task id. */
  const toasts = new Map<string, Row>();
  const list = make('div', { class: 'toasts', role: 'list' });
  const moreButton = make('button', { class: 'more', part: 'toast-more' });
  const summaryText = make('p');
  const showButton = make('button', { class: 'show', part: 'away-show' });
  const dismissButton = makeCloseButton({ part: 'away-dismiss' });
  const summary = make('div', { part: 'away' }, summaryText, showButton, dismissButton);
  const attributes = { class: 'stack', part: 'toasts', role: 'group', popover: 'manual', hidden: '' };
  const element = make('div', attributes, summary, moreButton, list);
  const place = createTopLayer(root, element, live);
  let queue: ToastQueue = NO_TOASTS;
  /** Whether the summary is of outcomes that were missed, and not of a burst. */
  let isSummaryOfMissed = false;
  /** While true no toast loses time: the pointer or the focus is in a toast, or the page is hidden. */
  let isPaused = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let context: ToastContext | undefined;

  addStyles(root, TOAST_CSS);
  root.append(element);
  showButton.addEventListener('click', onShow);
  moreButton.addEventListener('click', onShow);
  dismissButton.addEventListener('click', dismissSummary);
  // In a microtask, because the browser moves the focus only after `focusout`.
  for (const type of ['pointerenter', 'pointerleave', 'focusin', 'focusout'])
    element.addEventListener(type, () => queueMicrotask(update));
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    // Without this, Escape would also close a modal dialog around the toasts.
    event.preventDefault();
    const target = event.target as Node;
    const id = [...toasts].find(([, row]) => row.element.contains(target))?.[0];
    if (id) dismiss([id]);
    else dismissSummary();
  });

  function update(): void {
    if (!context) return;
    const { find } = context;
    const now = performance.now();
    queue = keepToasts(passTime(queue, now, isPaused), ({ id }) => find(id) !== undefined);
    // Only now, since the time up to now has passed under the old value.
    isPaused = element.matches(':hover, :focus-within') || document.hidden;
    const view = showToasts(queue);
    const isEmpty = view.shown.length + queue.summary.length === 0;
    if (!isEmpty || !element.hidden) {
      const current = context;
      keepFocus(element.getRootNode() as ShadowRoot, element, () => draw(view, current));
      setHidden(element, isEmpty);
    }
    place();
    clearTimeout(timer);
    if (!isPaused && view.next <= LONGEST_WAIT) timer = setTimeout(update, view.next);
  }

  function draw({ shown, more }: ReturnType<typeof showToasts>, current: ToastContext): void {
    const { wording, find, now } = current;
    setAttribute(element, 'aria-label', wording.toasts);
    setHidden(summary, queue.summary.length === 0);
    setText(summaryText, wording[isSummaryOfMissed ? 'away' : 'sayMany'](...countOutcomes(queue.summary)));
    setText(showButton, wording.show);
    setAttribute(dismissButton, 'aria-label', wording.dismiss);
    setHidden(moreButton, more === 0);
    setText(moreButton, wording.moreToasts(more));
    const elements = shown.map(({ task: { id } }) => {
      const row = toasts.get(id) ?? makeToast(id);
      const task = find(id) as OutcomeSnapshot;
      const view = describeTask(remember(undefined, task), { ...current, isRetried: false });
      // A failed task offers Retry. A cancelled one does not, since the user has just cancelled it.
      row.update(task.status === 'failed' ? view : { ...view, action: null }, wording, now);
      return row.element;
    });
    setChildren(list, elements);
    for (const [id, row] of toasts) if (!row.element.isConnected) toasts.delete(id);
  }

  function makeToast(id: string): Row {
    const row = createRow(commands, 'toast', () => dismiss([id]));
    toasts.set(id, row);
    return row;
  }

  function dismissSummary(): void {
    dismiss(queue.summary.map(({ id }) => id));
  }

  function dismiss(ids: readonly string[]): void {
    const hadFocus = element.matches(':focus-within');
    queue = keepToasts(queue, ({ id }) => !ids.includes(id));
    update();
    onDismiss(ids);
    // Firefox moves the focus out of a hidden element only a moment later. So check `hidden` as well.
    if (hadFocus && (element.hidden || !element.matches(':focus-within'))) onLeave();
  }

  return {
    element,
    place,
    focus() {
      const first = [...element.querySelectorAll<HTMLElement>('button, a')].find((one) => one.checkVisibility());
      first?.focus();
      return first !== undefined;
    },
    add(tasks, duration) {
      const now = performance.now();
      const isSticky = ({ status, result }: OutcomeSnapshot) =>
        status === 'failed' || linksOf(result, ENGLISH, document.baseURI).length > 0;
      queue = addToasts(passTime(queue, now, isPaused), tasks, { now, duration, isSticky });
      if (tasks.some((task) => queue.summary.includes(task))) isSummaryOfMissed = false;
      update();
    },
    addMissed(tasks) {
      if (tasks.length > 0 && queue.summary.length === 0) isSummaryOfMissed = true;
      queue = addSummary(queue, tasks);
      update();
    },
    clear() {
      queue = NO_TOASTS;
      update();
    },
    update(next = context) {
      context = next;
      update();
    },
  };
}
