/** The page as a whole: its bar, the view that the address names, and the live stream that keeps the view up to date. */

import { make, setAttribute, setHidden, setText } from '../../client/element/dom/dom.ts';
import type { OperatorSession } from '../../core/operator/calls.ts';
import type { Overview } from '../../core/operator/overview.ts';
import { openActDialog } from './acts/act-dialog.ts';
import { CallError, createApi } from './api.ts';
import type { Context, View } from './context.ts';
import { link, own, tickTimes } from './dom/elements.ts';
import { createLive } from './live/live.ts';
import type { LinkState } from './live/live-state.ts';
import { createRefresher } from './refresher.ts';
import { hrefOf, NO_FILTER, parseRoute, type Route } from './route.ts';
import { createAuditView } from './views/audit-view.ts';
import { createOverviewView } from './views/overview-view.ts';
import { createStuckView } from './views/stuck-view.ts';
import { createTaskView } from './views/task-view.ts';
import { createTasksView } from './views/tasks-view.ts';
import { number } from './words/words.ts';

/** How often a page without its live stream asks, and a view that changes with time, in milliseconds. */
const POLL_EVERY = 5_000;

/** How long the sentence about an act stays, in milliseconds. The audit log has it, too. */
const NOTICE_SHOWN = 10_000;

const LINK_WORDS: Readonly<Record<LinkState, string>> = {
  connecting: 'Connecting…',
  live: 'Live',
  lost: 'Not live, connecting again…',
};

const VIEWS: readonly (readonly [label: string, route: Route])[] = [
  ['Overview', { view: 'overview' }],
  ['Tasks', { view: 'tasks', filter: NO_FILTER, cursor: null }],
  ['Stuck', { view: 'stuck' }],
  ['Audit log', { view: 'audit', cursor: null }],
];

/** The elements of index.html that the page fills. */
export interface AppElements {
  readonly nav: HTMLElement;
  readonly role: HTMLElement;
  readonly link: HTMLElement;
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
  /** A call was refused: somebody else may be signed in, or nobody. */
  readonly onRefused: () => void;
  /** Ends it, and empties the page. */
  readonly signal: AbortSignal;
}

/** Fills the page, and keeps it up to date from then on, until `signal` aborts. */
export function startApp({ elements, session, announce, onRefused, signal }: AppOptions): void {
  const api = createApi(onRefused);
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
        onClose: () => giveBackFocus(opener, row),
      });
    },
  };

  const counter = make('span', { class: 'count', hidden: '' });
  const links = VIEWS.map(([label, route]) => ({ route, element: link(hrefOf(route), label) }));
  links.find(({ route }) => route.view === 'stuck')?.element.append(counter);
  elements.nav.replaceChildren(make('ul', {}, ...links.map(({ element }) => make('li', {}, element))));
  const may = session.acts.length > 0 ? 'may act' : 'may look';
  elements.role.replaceChildren(...(session.who ? [own(session.who, 'who'), ` ${may}`] : [`You ${may}`]));

  const refresher = createRefresher(async () => {
    if (signal.aborted) return;
    const shown = view;
    try {
      // While the stream is down it brings no overview.
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
      elements.link.dataset.state = next;
      setText(elements.link, LINK_WORDS[next]);
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
    setText(counter, number(next.stuck));
    setHidden(counter, next.stuck === 0);
    view?.showOverview?.(next);
  }

  /** Opens the view that the address names. */
  function open(): void {
    const route = parseRoute(location.search);
    const isNew = view === undefined;
    view = createView(context, route);
    elements.main.replaceChildren(view.element);
    document.title = `${view.name} · Tasks`;
    for (const { route: target, element } of links) {
      const isCurrent = target.view === route.view || (target.view === 'tasks' && route.view === 'task');
      setAttribute(element, 'aria-current', isCurrent ? 'page' : null);
    }
    showNotice('');
    if (overview) view.showOverview?.(overview);
    live.follow(view.taskId ?? null);
    if (!isNew) {
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
    noticeTimer = setTimeout(() => setHidden(elements.notice, true), NOTICE_SHOWN);
  }

  function giveBackFocus(opener: HTMLElement | null, row: HTMLElement | null | undefined): void {
    const ways = [opener, row?.querySelector<HTMLElement>('.act button, a[href]'), elements.main];
    for (const way of ways) {
      if (!way?.isConnected || way.hidden) continue;
      way.focus();
      return;
    }
  }

  function followLink(event: MouseEvent): void {
    const target = (event.target as Element).closest?.('a[href]') as HTMLAnchorElement | null;
    const isOther = event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!target || isOther || target.pathname !== location.pathname) return;
    event.preventDefault();
    // A link within the view: past the bar, or to a section.
    if (target.hash) document.getElementById(target.hash.slice(1))?.focus();
    else context.go(target.getAttribute('href') ?? './');
  }

  /** Leaves nothing on the page of what it has shown. */
  function clear(): void {
    clearTimeout(noticeTimer);
    for (const dialog of document.querySelectorAll('dialog')) {
      // An act in it ends after the batch that is under way.
      dialog.close();
      dialog.remove();
    }
    for (const element of Object.values(elements)) element.replaceChildren();
    for (const element of [elements.banner, elements.notice]) setHidden(element, true);
    setAttribute(elements.main, 'aria-busy', null);
    delete elements.link.dataset.state;
    document.title = 'Tasks';
  }

  const timers = [
    setInterval(() => {
      if (!document.hidden) tickTimes(elements.main, api.now());
    }, 1_000),
    setInterval(() => {
      if (linkState !== 'live' || view?.changesWithTime) refresher.request();
    }, POLL_EVERY),
  ];
  document.addEventListener('click', followLink, { signal });
  addEventListener('popstate', open, { signal });
  signal.addEventListener('abort', () => {
    for (const timer of timers) clearInterval(timer);
    clear();
  });
  open();
  live.start();
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

/** What to say of a call that failed. */
export function troubleWords(error: unknown): string {
  if (!(error instanceof CallError)) return 'The page has a fault. Reload it.';
  const { status, message } = error;
  if (status === 0 || status >= 500) return `${message} What you see may be out of date. Trying again by itself.`;
  return message;
}
