/**
 * The toasts in a corner of the page, and the summary of what was missed or came in a burst. `headless/outcomes/toasts.ts`
 * decides which toasts there are, and `toast-view.ts` draws them. This file lets their time pass, and handles clicks and keys.
 */

import type { OutcomeSnapshot } from '../../../core/tasks/snapshot.ts';
import { LONGEST_WAIT } from '../../environment.ts';
import {
  addSummary,
  addToasts,
  keepToasts,
  NO_TOASTS,
  passTime,
  showToasts,
  type ToastQueue,
} from '../../headless/outcomes/toasts.ts';
import { linksOf } from '../../headless/words/result.ts';
import { ENGLISH } from '../../headless/words/wording.ts';
import { keepFocus, setHidden } from '../dom/dom.ts';
import { addStyles } from '../dom/styles.ts';
import { TOAST_CSS } from './toast-styles.ts';
import { createToastView, type ToastContext, type ToastViewOptions } from './toast-view.ts';
import { createTopLayer } from './top-layer.ts';

export interface ToastStackOptions extends Omit<ToastViewOptions, 'onDismissSummary'> {
  /** Where the toasts are while no modal dialog is open. */
  readonly root: ShadowRoot;
  /** The live region. It moves with the toasts into a modal dialog, since screen readers ignore everything outside of one. */
  readonly live: HTMLElement;
  /** The focus was in a toast that was dismissed, and no other toast has the focus now. */
  readonly onLeave: () => unknown;
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

/** Appends the toasts to `options.root`. They are hidden until there is one. */
export function createToastStack(options: ToastStackOptions): ToastStack {
  const { root } = options;
  const view = createToastView({ ...options, onDismiss: dismiss, onDismissSummary: dismissSummary });
  const { element } = view;
  const place = createTopLayer(root, element, options.live);
  let queue: ToastQueue = NO_TOASTS;
  /** Whether the summary is of outcomes that were missed, and not of a burst. */
  let isSummaryOfMissed = false;
  /** While true no toast loses time: the pointer or the focus is in a toast, or the page is hidden. */
  let isPaused = false;
  /** Calls `update` when the time of the next toast is over. */
  let timer: ReturnType<typeof setTimeout> | undefined;
  let context: ToastContext | undefined;

  addStyles(root, TOAST_CSS);
  root.append(element);
  // In a microtask, because the browser moves the focus only after `focusout`.
  for (const type of ['pointerenter', 'pointerleave', 'focusin', 'focusout'])
    element.addEventListener(type, () => queueMicrotask(update));
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    // Without this, Escape would also close a modal dialog around the toasts.
    event.preventDefault();
    const id = view.idAt(event.target as Node);
    if (id) dismiss([id]);
    else dismissSummary();
  });

  /** Lets the time pass up to now, and draws what is left. */
  function update(): void {
    if (!context) return;
    const current = context;
    const now = performance.now();
    queue = keepToasts(passTime(queue, now, isPaused), ({ id }) => !!current.find(id));
    // Only now, since the time up to now has passed under the old value.
    isPaused = element.matches(':hover, :focus-within') || document.hidden;
    const { shown, next } = showToasts(queue);
    const isEmpty = shown.length + queue.summary.length === 0;
    if (!isEmpty || !element.hidden) {
      keepFocus(element.getRootNode() as ShadowRoot, element, () => view.draw(queue, isSummaryOfMissed, current));
      setHidden(element, isEmpty);
    }
    place();
    clearTimeout(timer);
    if (!isPaused && next <= LONGEST_WAIT) timer = setTimeout(update, next);
  }

  function dismissSummary(): void {
    dismiss(queue.summary.map(({ id }) => id));
  }

  function dismiss(ids: readonly string[]): void {
    const hadFocus = element.matches(':focus-within');
    queue = keepToasts(queue, ({ id }) => !ids.includes(id));
    update();
    options.onDismiss(ids);
    // Firefox moves the focus out of a hidden element only a moment later. So check `hidden` as well.
    if (hadFocus && (element.hidden || !element.matches(':focus-within'))) options.onLeave();
  }

  return {
    element,
    place,
    focus: () => focusFirst(element),
    add(tasks, duration) {
      const now = performance.now();
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

/** Whether there is something to do about an outcome, so that its toast stays until it is dismissed. */
function isSticky(task: OutcomeSnapshot): boolean {
  return task.status === 'failed' || linksOf(task.result, ENGLISH, document.baseURI).length > 0;
}

/** Focuses the first visible button or link in `element`. Returns whether there is one. */
function focusFirst(element: HTMLElement): boolean {
  const first = [...element.querySelectorAll<HTMLElement>('button, a')].find((one) => one.checkVisibility());
  first?.focus();
  return !!first;
}
