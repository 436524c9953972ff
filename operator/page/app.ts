/** The page as a whole: the bar, the view that the address names, and the live stream that keeps both up to date. */

import { setAttribute, setHidden, setText } from '../../client/element/dom/dom.ts';
import type { OperatorSession } from '../../core/operator/calls.ts';
import type { Overview } from '../../core/operator/overview.ts';
import { openActDialog } from './acts/act-dialog.ts';
import { CallError, createApi } from './api.ts';
import { type BarElements, createBar } from './bar.ts';
import type { Context, View } from './context.ts';
import { tickTimes } from './dom/elements.ts';
import { createLive } from './live/live.ts';
import type { LinkState } from './live/live-state.ts';
import { createRefresher } from './refresher.ts';
import { parseRoute, type Route } from './route.ts';
import { createAuditView } from './views/audit-view.ts';
import { createOverviewView } from './views/overview-view.ts';
import { createStuckView } from './views/stuck-view.ts';
import { createTaskView } from './views/task-view.ts';
import { createTasksView } from './views/tasks-view.ts';

/**
 * How often the page asks by itself: while its live stream is not up, and for a view that changes as time passes
 * (`View.changesWithTime`).
 */
const POLL_EVERY_MS = 5_000;

/** How long the sentence about an act stays. The audit log has it, too. */
const NOTICE_SHOWN_MS = 10_000;

/** The elements of index.html that the page fills. */
export interface AppElements extends BarElements {
  readonly banner: HTMLElement;
  readonly notice: HTMLElement;
  readonly main: HTMLElement;
  readonly live: HTMLElement;
}

export interface AppOptions {
  readonly elements: AppElements;
  /** Who the operator is, and what they may do. */
  readonly session: OperatorSession;
  /** Says a text to screen readers. */
  readonly announce: (text: string) => void;
  /** Called when a call was refused: somebody else may be signed in, or nobody. */
  readonly onRefused: () => void;
  /** Ends the app, and empties the page. */
  readonly signal: AbortSignal;
}

/** Fills the page, and keeps it up to date from then on, until `signal` aborts. */
export function startApp({ elements, session, announce, onRefused, signal }: AppOptions): void {
  const api = createApi(onRefused);
  const bar = createBar(elements, session);
  let overview: Overview | null = null;
  let view: View | undefined;
  let linkState: LinkState = 'connecting';
  let noticeTimer: ReturnType<typeof setTimeout> | undefined;

  const context: Context = {
    api,
    session,
    getOverview: () => overview,
    mayAct: (act) => session.acts.includes(act),
    announce,
    go(href) {
      history.pushState(null, '', href);
      open();
    },
    act(act, target) {
      if (!session.acts.includes(act)) return;
      const opener = document.activeElement as HTMLElement | null;
      const row = opener?.closest('tr');
      openActDialog({
        api,
        act,
        target,
        onDone(sentence) {
          refresher.request();
          if (sentence) showNotice(sentence);
        },
        onClose: () => focusFirst(opener, row?.querySelector<HTMLElement>('.act button, a[href]'), elements.main),
      });
    },
  };

  const refresher = createRefresher(async () => {
    if (signal.aborted) return;
    const shown = view;
    try {
      // The stream brings the overview, but only while it is up.
      if (linkState !== 'live' || !overview) takeOverview(await api.overview());
      await shown?.refresh();
      if (shown === view) showTrouble(null);
    } catch (error) {
      if (shown === view) showTrouble(error);
    }
  });

  const live = createLive({
    onLink(next) {
      if (linkState === next) return;
      if (next === 'lost') announce('Not live any more.');
      if (next === 'live' && linkState === 'lost') announce('Live again.');
      linkState = next;
      bar.showLink(next);
    },
    onUp: () => refresher.request(),
    onEvent(name, data) {
      if (name === 'overview') takeOverview(data as Overview);
      else refresher.request();
    },
    onRefused,
    signal,
  });

  function takeOverview(next: Overview): void {
    overview = next;
    api.noteTime(next.time);
    bar.showStuck(next.stuck);
    view?.showOverview?.(next);
  }

  /** Opens the view that the address names. */
  function open(): void {
    const route = parseRoute(location.search);
    const isFirst = view === undefined;
    view = createView(context, route);
    elements.main.replaceChildren(view.element);
    document.title = `${view.name} · Tasks`;
    bar.showView(route.view);
    showNotice('');
    if (overview) view.showOverview?.(overview);
    live.follow(view.taskId ?? null);
    if (!isFirst) {
      scrollTo(0, 0);
      elements.main.focus();
      announce(view.name);
    }
    const shown = view;
    setAttribute(elements.main, 'aria-busy', 'true');
    void refresher.restart().then(() => {
      if (shown === view && !signal.aborted) setAttribute(elements.main, 'aria-busy', null);
    });
  }

  function showTrouble(error: unknown): void {
    if (signal.aborted) return;
    setHidden(elements.banner, error === null);
    setText(elements.banner, error === null ? '' : troubleWords(error));
    if (error !== null && !(error instanceof CallError)) throw error;
  }

  function showNotice(sentence: string): void {
    if (signal.aborted) return;
    setText(elements.notice, sentence);
    setHidden(elements.notice, sentence === '');
    announce(sentence);
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(() => setHidden(elements.notice, true), NOTICE_SHOWN_MS);
  }

  /** Opens a link to this page in place. Leaves others to the browser, and clicks that open a tab or a window. */
  function followLink(event: MouseEvent): void {
    const target = (event.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
    const opensElsewhere = event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!target || opensElsewhere || target.pathname !== location.pathname) return;
    event.preventDefault();
    // A link within the view: to the content, or to a section.
    if (target.hash) document.getElementById(target.hash.slice(1))?.focus();
    else context.go(target.getAttribute('href') ?? './');
  }

  const timers = [
    setInterval(() => {
      if (!document.hidden) tickTimes(elements.main, api.now());
    }, 1_000),
    setInterval(() => {
      if (linkState !== 'live' || view?.changesWithTime) refresher.request();
    }, POLL_EVERY_MS),
  ];
  document.addEventListener('click', followLink, { signal });
  addEventListener('popstate', open, { signal });
  signal.addEventListener('abort', () => {
    for (const timer of timers) clearInterval(timer);
    clearTimeout(noticeTimer);
    emptyPage(elements);
  });
  open();
  live.start();
}

/** Removes all that the page has shown. */
function emptyPage(elements: AppElements): void {
  for (const dialog of document.querySelectorAll('dialog')) {
    // An act in it ends after the step that is under way.
    dialog.close();
    dialog.remove();
  }
  for (const element of Object.values(elements)) element.replaceChildren();
  for (const element of [elements.banner, elements.notice]) setHidden(element, true);
  setAttribute(elements.main, 'aria-busy', null);
  delete elements.link.dataset.state;
  document.title = 'Tasks';
}

/** Gives the focus to the first of these elements that is in the document and not hidden. */
function focusFirst(...elements: readonly (HTMLElement | null | undefined)[]): void {
  elements.find((element) => element?.isConnected && !element.hidden)?.focus();
}

function createView(context: Context, route: Route): View {
  switch (route.view) {
    case 'overview':
      return createOverviewView(context);
    case 'tasks':
      return createTasksView(context, route);
    case 'task':
      return createTaskView(context, route.id);
    case 'stuck':
      return createStuckView(context);
    case 'audit':
      return createAuditView(context, route.cursor);
  }
}

/** What the page says about a failure. @param error a CallError; anything else is a fault of the page */
export function troubleWords(error: unknown): string {
  if (!(error instanceof CallError)) return 'The page has a fault. Reload it.';
  const { status, message } = error;
  if (status === 0 || status >= 500) return `${message} What you see may be out of date. Trying again by itself.`;
  return message;
}
