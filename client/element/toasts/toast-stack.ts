/**
 * The toasts beside the page, and the summary of what was missed. The queue is `headless/toasts.ts`; this draws it, runs
 * its clock, and keeps it within reach: above everything else, and inside a modal dialog while the page shows one.
 */

import type { OutcomeSnapshot } from '../../../core/snapshot.ts';
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
import type { Commands } from '../commands.ts';
import { keepFocus, make, setAttribute, setChildren, setHidden, setText } from '../dom.ts';
import { makeIcon } from '../icons.ts';
import { Row } from '../rows/row.ts';
import { addStyles, CSS } from '../styles.ts';
import { TOAST_CSS } from './toast-styles.ts';

/** What restyles a tray, wherever its toasts are. */
const PROPERTIES: ReadonlySet<string> = new Set((CSS + TOAST_CSS).match(/--inloop-[\w-]+/g));

export interface ToastStackOptions {
  /** Where the toasts are at home. */
  readonly root: ShadowRoot;
  /** What has to be where the toasts are: the live region. */
  readonly live: HTMLElement;
  readonly commands: Commands;
  /** The user wants to see more. */
  readonly onShow: () => void;
  /** The user has seen `ids`. */
  readonly onDismiss: (ids: readonly string[]) => void;
  /** The focus was in a toast, and there is none left. */
  readonly onLeave: () => void;
}

/** What `show` needs to know. */
export interface ToastContext extends Omit<RowContext, 'isRetried'> {
  /** The outcome as it is now; undefined where it needs no toast any more. */
  readonly find: (id: string) => OutcomeSnapshot | undefined;
}

export class ToastStack {
  readonly #options: ToastStackOptions;
  readonly #rows = new Map<string, { readonly row: Row; readonly close: HTMLElement }>();
  readonly #list = make('div', { class: 'toasts', role: 'list' });
  readonly #more = make('button', { class: 'more', part: 'toast-more', type: 'button' });
  readonly #awayText = make('p');
  readonly #show = make('button', { class: 'show', part: 'away-show', type: 'button' });
  readonly #dismiss = make('button', { class: 'icon-button', part: 'away-dismiss', type: 'button' }, makeIcon('close'));
  readonly #away = make('div', { class: 'away', part: 'away' }, this.#awayText, this.#show, this.#dismiss);
  readonly element = make('div', { class: 'stack', part: 'toasts', role: 'group', popover: 'manual', hidden: '' });
  /** Stands for the tray in the modal dialog that the page shows. */
  #layer: HTMLElement | undefined;
  #queue: ToastQueue = NO_TOASTS;
  #isAway = false;
  #isPaused = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #context: ToastContext | undefined;

  constructor(options: ToastStackOptions) {
    this.#options = options;
    addStyles(options.root, TOAST_CSS);
    this.element.append(this.#away, this.#more, this.#list);
    options.root.append(this.element);
    this.#show.addEventListener('click', options.onShow);
    this.#more.addEventListener('click', options.onShow);
    this.#dismiss.addEventListener('click', () => this.#drop(this.#queue.summary.map(({ id }) => id)));
    // Where the focus goes is not known before it is there.
    for (const type of ['pointerenter', 'pointerleave', 'focusin', 'focusout'])
      this.element.addEventListener(type, () => queueMicrotask(() => this.update()));
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      // A modal dialog would take it for its own.
      event.preventDefault();
      const row = (event.target as Element).closest('.toast');
      const id = [...this.#rows].find(([, toast]) => toast.row.element === row)?.[0];
      this.#drop(id ? [id] : this.#queue.summary.map((task) => task.id));
    });
  }

  /** Puts the focus on the first thing there is to do. Returns whether there is one. */
  focus(): boolean {
    const first = [...this.element.querySelectorAll<HTMLElement>('button, a')].find((one) => one.checkVisibility());
    first?.focus();
    return first !== undefined;
  }

  /** Tells of outcomes that were just reached, for `duration` milliseconds each. */
  add(tasks: readonly OutcomeSnapshot[], duration: number): void {
    const now = performance.now();
    const isSticky = ({ status, result }: OutcomeSnapshot) =>
      status === 'failed' || linksOf(result, ENGLISH, document.baseURI).length > 0;
    this.#queue = addToasts(passTime(this.#queue, now, this.#isPaused), tasks, { now, duration, isSticky });
    if (tasks.some(({ id }) => this.#queue.summary.some((task) => task.id === id))) this.#isAway = false;
    this.update();
  }

  /** Tells of outcomes that were reached while nobody looked. */
  addMissed(tasks: readonly OutcomeSnapshot[]): void {
    if (tasks.length > 0 && this.#queue.summary.length === 0) this.#isAway = true;
    this.#queue = addSummary(this.#queue, tasks);
    this.update();
  }

  /** Takes everything away; what it told of is shown elsewhere, or not at all any more. */
  clear(): void {
    this.#queue = NO_TOASTS;
    this.update();
  }

  /** Shows what there is to show by now. */
  update(context = this.#context): void {
    this.#context = context;
    if (!context) return;
    const now = performance.now();
    this.#queue = keepToasts(passTime(this.#queue, now, this.#isPaused), ({ id }) => context.find(id) !== undefined);
    this.#isPaused = this.element.matches(':hover, :focus-within') || document.visibilityState === 'hidden';
    const { shown, more, next } = showToasts(this.#queue);
    const { summary } = this.#queue;
    const isEmpty = shown.length + summary.length === 0;
    if (!isEmpty || !this.element.hidden) {
      keepFocus(this.element.getRootNode() as ShadowRoot, this.element, () => this.#draw(shown, more, context));
      setHidden(this.element, isEmpty);
    }
    this.place();
    clearTimeout(this.#timer);
    // A longer time than this overflows, and would be none at all.
    if (!this.#isPaused && next < 2 ** 31) this.#timer = setTimeout(() => this.update(), next);
  }

  /** Puts toasts and live region where they can be reached: everything outside of a modal dialog is inert. */
  place(): void {
    const { root, live } = this.#options;
    const modal = root.host.isConnected ? [...document.querySelectorAll('dialog:modal')].at(-1) : undefined;
    if (modal !== (this.#layer?.parentElement ?? undefined)) {
      this.#layer?.remove();
      this.#layer = modal?.appendChild(this.#makeLayer());
      (this.#layer?.shadowRoot ?? root).append(this.element, live);
    }
    const { hidden, isConnected } = this.element;
    if (isConnected && this.element.matches(':popover-open') === hidden) this.element.togglePopover?.();
  }

  #makeLayer(): HTMLElement {
    const { host } = this.#options.root;
    const layer = make('div');
    const { style } = layer;
    style.display = 'contents';
    const styles = getComputedStyle(host);
    for (const name of PROPERTIES) style.setProperty(name, styles.getPropertyValue(name));
    const root = layer.attachShadow({ mode: 'open' });
    for (const css of [CSS, TOAST_CSS]) addStyles(root, css);
    return layer;
  }

  #draw(
    shown: readonly { readonly task: OutcomeSnapshot }[],
    more: number,
    { wording, find, now }: ToastContext,
  ): void {
    const { summary } = this.#queue;
    setAttribute(this.element, 'aria-label', wording.toasts);
    setHidden(this.#away, summary.length === 0);
    setText(this.#awayText, wording[this.#isAway ? 'away' : 'sayMany'](...countOutcomes(summary)));
    setText(this.#show, wording.show);
    setAttribute(this.#dismiss, 'aria-label', wording.dismiss);
    setHidden(this.#more, more === 0);
    setText(this.#more, wording.moreToasts(more));
    const elements = shown.map(({ task: { id } }) => {
      const toast = this.#rows.get(id) ?? this.#make(id);
      setAttribute(toast.close, 'aria-label', wording.dismiss);
      toast.row.update(this.#describe(find(id) as OutcomeSnapshot), wording, now);
      return toast.row.element;
    });
    setChildren(this.#list, elements);
    for (const [id, { row }] of this.#rows) if (!row.element.isConnected) this.#rows.delete(id);
  }

  #make(id: string): { readonly row: Row; readonly close: HTMLElement } {
    const row = new Row(this.#options.commands, 'toast');
    const close = make('button', { class: 'icon-button', part: 'toast-dismiss', type: 'button' }, makeIcon('close'));
    close.addEventListener('click', () => this.#drop([id]));
    row.element.append(close);
    const toast = { row, close };
    this.#rows.set(id, toast);
    return toast;
  }

  /** A toast offers what helps, and does not ask whether to do again what somebody has just cancelled. */
  #describe(task: OutcomeSnapshot) {
    const view = describeTask(remember(undefined, task), { isRetried: false, ...(this.#context as ToastContext) });
    return task.status === 'failed' ? view : { ...view, action: null };
  }

  #drop(ids: readonly string[]): void {
    const hadFocus = this.element.matches(':focus-within');
    this.#queue = keepToasts(this.#queue, ({ id }) => !ids.includes(id));
    this.update();
    this.#options.onDismiss(ids);
    // What is hidden while it has the focus keeps it for a moment (in Firefox), and then it is the body's.
    if (hadFocus && (this.element.hidden || !this.element.matches(':focus-within'))) this.#options.onLeave();
  }
}
