/** One task as a list item: built once, then only what changed is touched. */

import type { Snapshot } from '../../core/snapshot.ts';
import type { RowView } from '../view/describe.ts';
import type { Wording } from '../view/wording.ts';
import type { Commands } from './commands.ts';
import { make, setAttribute, setHidden, setText, setTexts } from './dom.ts';
import { makeIcon, setIcon } from './icons.ts';

/** Assistive technology hears of progress at most twice a second. */
const ARIA_EVERY = 500;

export class Row {
  readonly element: HTMLLIElement;
  /** Whether it can be seen, as far as is known. */
  isInView = true;
  /** When it was last updated; our clock in milliseconds. */
  updatedAt = 0;
  /** What it shows, of which edition, and whether that says something else as time passes. */
  task: Snapshot | undefined;
  edition = 0;
  isTicking = false;
  readonly #commands: Commands;
  readonly #icon = makeIcon('waiting');
  readonly #title = make('p', { class: 'title', part: 'title' });
  readonly #state = make('span', { class: 'state', part: 'state' });
  readonly #facts = document.createTextNode('');
  readonly #fill = make('div', { class: 'fill', part: 'fill' });
  readonly #bar = make('div', { class: 'bar', part: 'bar', role: 'progressbar' }, this.#fill);
  readonly #segments = make('div', { class: 'segments', part: 'segments', 'aria-hidden': 'true' });
  readonly #remarks = make('div');
  readonly #error = make('p', { class: 'error', part: 'error' });
  readonly #links = make('div', { class: 'links', part: 'links' });
  readonly #action = make('button', { class: 'action', part: 'action', type: 'button' });
  #linksShown = '';
  #ariaAt = Number.NEGATIVE_INFINITY;
  #view: RowView | undefined;

  /** @param part `task` in the panel, `toast` beside the page */
  constructor(commands: Commands, part: 'task' | 'toast') {
    this.#commands = commands;
    this.element = make(
      'li',
      { class: `task ${part}`, part, tabindex: '-1' },
      this.#icon,
      make(
        'div',
        {},
        this.#title,
        make('p', { class: 'status', part: 'status' }, this.#state, this.#facts),
        this.#bar,
        this.#segments,
        this.#remarks,
        this.#error,
        this.#links,
      ),
      this.#action,
    );
    this.#segments.append(make('i'), make('i'), make('i'));
    this.#action.addEventListener('click', () => {
      const { action, id } = this.#view ?? {};
      if (action && id) commands.run(action, id);
    });
  }

  /** Shows `view`. `now` is our clock in milliseconds. */
  update(view: RowView, wording: Wording, now: number): void {
    this.#view = view;
    this.updatedAt = now;
    setAttribute(this.element, 'data-tone', view.tone);
    setAttribute(this.element, 'data-stale', view.isStale ? '' : null);
    setIcon(this.#icon, view.tone);
    setText(this.#title, view.title);
    setText(this.#state, view.status);
    // A fact stays on one line: "12 s" torn apart is hard to read.
    setText(this.#facts, view.facts.map((fact) => ` · ${fact.replaceAll(' ', '\u00a0')}`).join(''));
    setTexts(this.#remarks, 'p', 'remark', view.remarks);
    this.#showBar(view, now);
    this.#showSegments(view.segments);
    this.#showLinks(view);
    const error = this.#commands.errorOf(view.id);
    setHidden(this.#error, !error);
    setText(this.#error, error);
    this.#showAction(view, this.#commands.isBusy(view.id), wording);
  }

  #showBar({ bar, title }: RowView, now: number): void {
    setHidden(this.#bar, !bar);
    if (!bar) return;
    const isUnknown = bar.fraction === null;
    setAttribute(this.#bar, 'data-unknown', isUnknown ? '' : null);
    const transform = isUnknown ? '' : `scaleX(${bar.fraction})`;
    // Through the object model: a style attribute would be refused by a strict CSP.
    if (this.#fill.style.transform !== transform) this.#fill.style.transform = transform;
    if (now - this.#ariaAt < ARIA_EVERY) return;
    this.#ariaAt = now;
    setAttribute(this.#bar, 'aria-label', title);
    setAttribute(this.#bar, 'aria-valuenow', isUnknown ? null : String(Math.floor((bar.fraction ?? 0) * 100)));
    setAttribute(this.#bar, 'aria-valuetext', bar.text);
  }

  #showSegments(segments: RowView['segments']): void {
    setHidden(this.#segments, !segments);
    segments?.forEach((share, index) => {
      const segment = this.#segments.children[index] as HTMLElement;
      setHidden(segment, share === 0);
      segment.style.flexGrow = String(share);
    });
  }

  #showLinks({ links }: RowView): void {
    const key = JSON.stringify(links);
    setHidden(this.#links, links.length === 0);
    if (key === this.#linksShown) return;
    this.#linksShown = key;
    this.#links.replaceChildren(
      ...links.map(({ label, href }) => {
        const link = make('a', { part: 'link', href, rel: 'noopener' });
        link.textContent = label;
        return link;
      }),
    );
  }

  #showAction({ action, title }: RowView, isBusy: boolean, wording: Wording): void {
    const hadFocus = !this.#action.hidden && (this.element.getRootNode() as ShadowRoot).activeElement === this.#action;
    if (action) {
      const isCancel = action === 'cancel';
      setText(this.#action, isBusy && isCancel ? wording.cancelling : wording[action]);
      setAttribute(this.#action, 'aria-label', isCancel ? wording.cancelTask(title) : wording.retryTask(title));
      setAttribute(this.#action, 'aria-disabled', isBusy ? 'true' : null);
    }
    setHidden(this.#action, !action);
    // A button that goes while it has the focus would throw its user back to the top of the page.
    if (hadFocus && !action) this.element.focus();
  }
}
