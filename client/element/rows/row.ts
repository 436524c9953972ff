/** One task as a list item, in the panel or as a toast. Its elements are made once; `update` changes only what differs. */

import type { RowView } from '../../headless/words/describe.ts';
import { isolate } from '../../headless/words/plain-text.ts';
import type { ResultLink } from '../../headless/words/result.ts';
import type { Wording } from '../../headless/words/wording.ts';
import { make, setAttribute, setHidden, setText, setTexts } from '../dom/dom.ts';
import { makeCloseButton, makeIcon, setIcon } from '../dom/icons.ts';
import { createRowBar, type RowBar } from './row-bar.ts';
import type { RowCommands } from './row-commands.ts';

export interface Row {
  readonly element: HTMLElement;
  /** Shows `view`. `now` is in milliseconds, by the same clock at each call. A bar tells screen readers at most once a second. */
  update(view: RowView, wording: Wording, now: number): void;
}

/** @param part `task` in the panel, `toast` in a corner of the page; @param onDismiss the user has dismissed an outcome */
export function createRow(commands: RowCommands, part: 'task' | 'toast', onDismiss: (id: string) => void): Row {
  const icon = makeIcon('waiting');
  const title = make('p', { part: 'title' });
  const state = make('span', { part: 'state' });
  const facts = document.createTextNode('');
  const status = make('p', { part: 'status' }, state, facts);
  const remarks = make('div');
  const body = make('div', {}, title, status, remarks);
  const element = make('div', { class: `task ${part}`, part, role: 'listitem', tabindex: '-1' }, icon, body);
  let view: RowView;
  let bar: RowBar | undefined;

  const revealBar = lazily(() => {
    bar = createRowBar();
    return putAfter(status, bar.element);
  });
  const revealSegments = lazily(() =>
    putAfter(status, make('div', { part: 'segments', 'aria-hidden': 'true' }, make('i'), make('i'), make('i'))),
  );
  const revealError = lazily(() => putAfter(remarks, make('p', { part: 'error' })));
  const showLinks = createLinkList(body);
  const showAction = createActionButton(commands, element, body);
  const revealDismiss = lazily(() => {
    const dismiss = makeCloseButton({ part: `${part}-dismiss` });
    dismiss.addEventListener('click', () => onDismiss(view.id));
    return element.appendChild(dismiss);
  });

  return {
    element,
    update(next, wording, now) {
      view = next;
      const label = isolate(view.title, wording.locale);
      setAttribute(element, 'data-tone', view.tone);
      setAttribute(element, 'data-stale', view.isStale ? '' : null);
      setIcon(icon, view.tone);
      setText(title, view.title);
      setText(state, view.status);
      // Non-breaking spaces keep a fact like "12 s" on one line.
      setText(
        facts,
        view.facts.map((fact) => ` · ${isolate(fact, wording.locale).replaceAll(' ', '\u00a0')}`).join(''),
      );
      setTexts(remarks, 'remark', view.remarks);
      if (revealBar(!!view.bar) && view.bar) bar?.show(view.bar, label, now);
      const shares = revealSegments(!!view.segments)?.children as HTMLCollectionOf<HTMLElement> | undefined;
      view.segments?.forEach((share, index) => {
        const segment = shares?.[index] as HTMLElement;
        setHidden(segment, share === 0);
        segment.style.flexGrow = String(share);
      });
      showLinks(view.links);
      const error = commands.errorOf(view.id);
      const line = revealError(!!error);
      if (line) setText(line, error);
      showAction(view, label, wording);
      const cross = revealDismiss(view.canDismiss);
      if (cross) setAttribute(cross, 'aria-label', wording.dismissTask(label));
    },
  };
}

/** Returns a function that shows the button of `row` after `body`: Cancel or Retry, or none, as the task allows. */
function createActionButton(
  commands: RowCommands,
  row: HTMLElement,
  body: HTMLElement,
): (view: RowView, title: string, wording: Wording) => void {
  let view: RowView;
  let button: HTMLElement | undefined;
  const reveal = lazily(() => {
    button = make('button', { part: 'action' });
    button.addEventListener('click', () => view.action && commands.run(view.action, view.id));
    return putAfter(body, button);
  });

  return (next, title, wording) => {
    view = next;
    const { action, id } = view;
    const hadFocus = (row.getRootNode() as ShadowRoot).activeElement === button;
    const shown = reveal(!!action);
    if (shown && action) {
      const isBusy = commands.isBusy(id);
      const isCancel = action === 'cancel';
      setText(shown, isBusy && isCancel ? wording.cancelling : wording[action]);
      setAttribute(shown, 'aria-label', wording[`${action}Task`](title));
      setAttribute(shown, 'aria-disabled', isBusy ? 'true' : null);
    }
    // If a focused button disappears, the Tab key starts at the top of the page again. So the row takes the focus.
    else if (hadFocus) row.focus();
  };
}

/** Returns a function that shows `links` at the end of `body`. Makes elements only if the links have changed. */
function createLinkList(body: HTMLElement): (links: readonly ResultLink[]) => void {
  const reveal = lazily(() => body.appendChild(make('div', { part: 'links' })));
  let shown = '';
  return (links) => {
    const list = reveal(links.length > 0);
    const key = JSON.stringify(links);
    if (!list || key === shown) return;
    shown = key;
    list.replaceChildren(
      ...links.map(({ label, href }) => {
        const link = make('a', { part: 'link', href, rel: 'noopener' });
        link.textContent = label;
        return link;
      }),
    );
  };
}

/**
 * A function that shows or hides a part, and returns it while it is shown. The part is made when it is first shown, since few
 * of thousands of rows need it.
 */
function lazily(create: () => HTMLElement): (isShown: boolean) => HTMLElement | undefined {
  let part: HTMLElement | undefined;
  return (isShown) => {
    if (isShown) part ??= create();
    if (part) setHidden(part, !isShown);
    return isShown ? part : undefined;
  };
}

function putAfter(place: ChildNode, part: HTMLElement): HTMLElement {
  place.after(part);
  return part;
}
