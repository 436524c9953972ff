/**
 * The toasts beside the page, and the summary of what was missed. `headless/toasts.ts` decides which toasts there are. This
 * file draws them, lets their time pass, and handles clicks and keys.
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
} from '../../headless/toasts.ts';
import { describeTask, type RowContext } from '../../headless/words/describe.ts';
import { linksOf } from '../../headless/words/result.ts';
import { ENGLISH } from '../../headless/words/wording.ts';
import { keepFocus, make, setAttribute, setChildren, setHidden, setText } from '../dom/dom.ts';
import { makeCloseButton } from '../dom/icons.ts';
import { addStyles } from '../dom/styles.ts';
import { Row } from '../rows/row.ts';
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

interface DrawnToast {
  readonly row: Row;
  readonly close: HTMLElement;
}

export class ToastStack {
  readonly #options: ToastStackOptions;
  /** The toasts that are drawn, by task id. */
  readonly #toasts = new Map<string, DrawnToast>();
  readonly #list = make('div', { class: 'toasts', role: 'list' });
  readonly #moreButton = make('button', { class: 'more', part: 'toast-more' });
  readonly #summaryText = make('p');
  readonly #showButton = make('button', { class: 'show', part: 'away-show' });
  readonly #dismissButton = makeCloseButton({ part: 'away-dismiss' });
  readonly #summary = make('div', { part: 'away' }, this.#summaryText, this.#showButton, this.#dismissButton);
  readonly element = make('div', { class: 'stack', part: 'toasts', role: 'group', popover: 'manual', hidden: '' });
  /** Moves the toasts into or out of a modal dialog. Call it whenever one may have opened or closed. */
  readonly place: () => void;
  #queue: ToastQueue = NO_TOASTS;
  /** Whether the summary is of outcomes that were missed, and not of a burst. */
  #isSummaryOfMissed = false;
  /** While true no toast loses time: the pointer or the focus is in a toast, or the page is hidden. */
  #isPaused = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #context: ToastContext | undefined;

  constructor(options: ToastStackOptions) {
    const { root, live, onShow } = options;
    this.#options = options;
    this.place = createTopLayer(root, this.element, live);
    addStyles(root, TOAST_CSS);
    this.element.append(this.#summary, this.#moreButton, this.#list);
    root.append(this.element);
    this.#showButton.addEventListener('click', onShow);
    this.#moreButton.addEventListener('click', onShow);
    this.#dismissButton.addEventListener('click', () => this.#dismissSummary());
    // In a microtask, because the browser moves the focus only after `focusout`.
    for (const type of ['pointerenter', 'pointerleave', 'focusin', 'focusout'])
      this.element.addEventListener(type, () => queueMicrotask(() => this.update()));
    this.element.addEventListener('keydown', (event) => this.#onEscape(event));
  }

  /** Focuses the first visible button or link. Returns whether there is one. */
  focus(): boolean {
    const first = [...this.element.querySelectorAll<HTMLElement>('button, a')].find((one) => one.checkVisibility());
    first?.focus();
    return first !== undefined;
  }

  /** Shows outcomes that were just reached, for `duration` milliseconds each. */
  add(tasks: readonly OutcomeSnapshot[], duration: number): void {
    const now = performance.now();
    const isSticky = ({ status, result }: OutcomeSnapshot) =>
      status === 'failed' || linksOf(result, ENGLISH, document.baseURI).length > 0;
    this.#queue = addToasts(passTime(this.#queue, now, this.#isPaused), tasks, { now, duration, isSticky });
    const hasJoinedSummary = tasks.some(({ id }) => this.#queue.summary.some((task) => task.id === id));
    if (hasJoinedSummary) this.#isSummaryOfMissed = false;
    this.update();
  }

  /** Adds outcomes to the summary that were reached while nobody looked. */
  addMissed(tasks: readonly OutcomeSnapshot[]): void {
    if (tasks.length > 0 && this.#queue.summary.length === 0) this.#isSummaryOfMissed = true;
    this.#queue = addSummary(this.#queue, tasks);
    this.update();
  }

  /** Removes all toasts. */
  clear(): void {
    this.#queue = NO_TOASTS;
    this.update();
  }

  /** Draws the toasts as they are now. Without `context`, uses that of the last call. */
  update(context = this.#context): void {
    this.#context = context;
    if (!context) return;
    const now = performance.now();
    this.#queue = keepToasts(passTime(this.#queue, now, this.#isPaused), ({ id }) => context.find(id) !== undefined);
    // Only now, since the time up to now has passed under the old value.
    this.#isPaused = this.element.matches(':hover, :focus-within') || document.visibilityState === 'hidden';
    const { shown, more, next } = showToasts(this.#queue);
    const isEmpty = shown.length + this.#queue.summary.length === 0;
    if (!isEmpty || !this.element.hidden) {
      keepFocus(this.element.getRootNode() as ShadowRoot, this.element, () => this.#draw(shown, more, context));
      setHidden(this.element, isEmpty);
    }
    this.place();
    clearTimeout(this.#timer);
    if (!this.#isPaused && next <= LONGEST_WAIT) this.#timer = setTimeout(() => this.update(), next);
  }

  #draw(
    shown: readonly { readonly task: OutcomeSnapshot }[],
    more: number,
    { wording, find, now }: ToastContext,
  ): void {
    const { summary } = this.#queue;
    setAttribute(this.element, 'aria-label', wording.toasts);
    setHidden(this.#summary, summary.length === 0);
    setText(this.#summaryText, wording[this.#isSummaryOfMissed ? 'away' : 'sayMany'](...countOutcomes(summary)));
    setText(this.#showButton, wording.show);
    setAttribute(this.#dismissButton, 'aria-label', wording.dismiss);
    setHidden(this.#moreButton, more === 0);
    setText(this.#moreButton, wording.moreToasts(more));
    const elements = shown.map(({ task: { id } }) => {
      const toast = this.#toasts.get(id) ?? this.#makeToast(id);
      setAttribute(toast.close, 'aria-label', wording.dismiss);
      toast.row.update(this.#describe(find(id) as OutcomeSnapshot), wording, now);
      return toast.row.element;
    });
    setChildren(this.#list, elements);
    for (const [id, { row }] of this.#toasts) if (!row.element.isConnected) this.#toasts.delete(id);
  }

  #makeToast(id: string): DrawnToast {
    const row = new Row(this.#options.commands, 'toast');
    const close = makeCloseButton({ part: 'toast-dismiss' });
    close.addEventListener('click', () => this.#dismiss([id]));
    row.element.append(close);
    const toast = { row, close };
    this.#toasts.set(id, toast);
    return toast;
  }

  /** The row of a toast. A failed task offers Retry. A cancelled one does not, since the user has just cancelled it. */
  #describe(task: OutcomeSnapshot) {
    const view = describeTask(remember(undefined, task), { isRetried: false, ...(this.#context as ToastContext) });
    return task.status === 'failed' ? view : { ...view, action: null };
  }

  #onEscape(event: KeyboardEvent): void {
    if (event.key !== 'Escape') return;
    // Without this, Escape would also close a modal dialog around the toasts.
    event.preventDefault();
    const target = event.target as Node;
    const id = [...this.#toasts].find(([, { row }]) => row.element.contains(target))?.[0];
    if (id) this.#dismiss([id]);
    else this.#dismissSummary();
  }

  #dismissSummary(): void {
    this.#dismiss(this.#queue.summary.map(({ id }) => id));
  }

  #dismiss(ids: readonly string[]): void {
    const hadFocus = this.element.matches(':focus-within');
    this.#queue = keepToasts(this.#queue, ({ id }) => !ids.includes(id));
    this.update();
    this.#options.onDismiss(ids);
    // Firefox moves the focus out of a hidden element only a moment later. So check `hidden` as well.
    if (hadFocus && (this.element.hidden || !this.element.matches(':focus-within'))) this.#options.onLeave();
  }
}
