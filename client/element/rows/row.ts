/** One task as a list item, in the panel or as a toast. Its elements are made once; `update` changes only what differs. */

import type { RowView } from '../../headless/words/describe.ts';
import { isolate } from '../../headless/words/plain-text.ts';
import type { Wording } from '../../headless/words/wording.ts';
import { make, setAttribute, setHidden, setText, setTexts } from '../dom/dom.ts';
import { makeIcon, setIcon } from '../dom/icons.ts';
import { RowBar } from './row-bar.ts';
import type { RowCommands } from './row-commands.ts';

export class Row {
  readonly element: HTMLElement;
  readonly #commands: RowCommands;
  readonly #icon = makeIcon('waiting');
  readonly #title = make('p', { part: 'title' });
  readonly #state = make('span', { part: 'state' });
  readonly #facts = document.createTextNode('');
  readonly #status = make('p', { part: 'status' }, this.#state, this.#facts);
  readonly #remarks = make('div');
  readonly #body = make('div', {}, this.#title, this.#status, this.#remarks);
  // Made when they are first shown: few of thousands of rows need them.
  #bar: RowBar | undefined;
  #segments: HTMLElement | undefined;
  #error: HTMLElement | undefined;
  #links: HTMLElement | undefined;
  #action: HTMLElement | undefined;
  #linksShown = '';
  #view: RowView | undefined;

  /** @param part `task` in the panel, `toast` beside the page */
  constructor(commands: RowCommands, part: 'task' | 'toast') {
    this.#commands = commands;
    const attributes = { class: `task ${part}`, part, role: 'listitem', tabindex: '-1' };
    this.element = make('div', attributes, this.#icon, this.#body);
  }

  /** Shows `view`. `now` is our clock in milliseconds. */
  update(view: RowView, wording: Wording, now: number): void {
    this.#view = view;
    setAttribute(this.element, 'data-tone', view.tone);
    setAttribute(this.element, 'data-stale', view.isStale ? '' : null);
    setIcon(this.#icon, view.tone);
    setText(this.#title, view.title);
    setText(this.#state, view.status);
    // Non-breaking spaces keep a fact like "12 s" on one line.
    setText(
      this.#facts,
      view.facts.map((fact) => ` · ${isolate(fact, wording.locale).replaceAll(' ', '\u00a0')}`).join(''),
    );
    setTexts(this.#remarks, 'remark', view.remarks);
    this.#showBar(view, wording, now);
    this.#showSegments(view.segments);
    this.#showLinks(view);
    this.#showError(this.#commands.errorOf(view.id));
    this.#showAction(view, this.#commands.isBusy(view.id), wording);
  }

  #showBar({ bar, title }: RowView, { locale }: Wording, now: number): void {
    if (this.#bar) setHidden(this.#bar.element, !bar);
    if (!bar) return;
    if (!this.#bar) {
      this.#bar = new RowBar();
      this.#status.after(this.#bar.element);
    }
    this.#bar.show(bar, isolate(title, locale), now);
  }

  #showSegments(segments: RowView['segments']): void {
    this.#segments = reveal(this.#segments, !!segments, () => {
      const attributes = { part: 'segments', 'aria-hidden': 'true' };
      const made = make('div', attributes, make('i'), make('i'), make('i'));
      this.#status.after(made);
      return made;
    });
    segments?.forEach((share, index) => {
      const segment = this.#segments?.children[index] as HTMLElement;
      setHidden(segment, share === 0);
      segment.style.flexGrow = String(share);
    });
  }

  #showLinks({ links }: RowView): void {
    this.#links = reveal(this.#links, links.length > 0, () => this.#body.appendChild(make('div', { part: 'links' })));
    const key = JSON.stringify(links);
    if (!this.#links || key === this.#linksShown) return;
    this.#linksShown = key;
    this.#links.replaceChildren(
      ...links.map(({ label, href }) => {
        const link = make('a', { part: 'link', href, rel: 'noopener' });
        link.textContent = label;
        return link;
      }),
    );
  }

  #showError(error: string): void {
    this.#error = reveal(this.#error, error !== '', () => {
      const line = make('p', { part: 'error' });
      this.#remarks.after(line);
      return line;
    });
    if (this.#error) setText(this.#error, error);
  }

  #showAction({ action, title }: RowView, isBusy: boolean, wording: Wording): void {
    const hadFocus = (this.element.getRootNode() as ShadowRoot).activeElement === this.#action;
    this.#action = reveal(this.#action, !!action, () => {
      const button = make('button', { part: 'action' });
      button.addEventListener('click', () => {
        const { action: wanted, id } = this.#view as RowView;
        if (wanted) this.#commands.run(wanted, id);
      });
      this.#body.after(button);
      return button;
    });
    if (!this.#action) return;
    if (action) {
      const isCancel = action === 'cancel';
      setText(this.#action, isBusy && isCancel ? wording.cancelling : wording[action]);
      const name = isolate(title, wording.locale);
      setAttribute(this.#action, 'aria-label', isCancel ? wording.cancelTask(name) : wording.retryTask(name));
      setAttribute(this.#action, 'aria-disabled', isBusy ? 'true' : null);
    }
    // If a focused button disappears, the Tab key starts at the top of the page again. So the row takes the focus.
    else if (hadFocus) this.element.focus();
  }
}

/** Shows or hides `part`, which is made when it is first shown. */
function reveal(part: HTMLElement | undefined, isShown: boolean, create: () => HTMLElement): HTMLElement | undefined {
  if (part) setHidden(part, !isShown);
  return part ?? (isShown ? create() : undefined);
}
