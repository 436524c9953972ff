/** `<inloop-tray>`: the record of the user's tasks, as a button with a number and a panel. Words and rows are made elsewhere. */

import { ConfigError } from '../../core/config-error.ts';
import { isFinished, type OutcomeSnapshot, type Snapshot } from '../../core/snapshot.ts';
import { systemTiming } from '../environment.ts';
import { createTaskFeed } from '../feed/connect-tasks.ts';
import type { PendingFeed, TaskFeed } from '../feed/task-feed.ts';
import { describeConnection, isOutOfDate } from '../headless/banner.ts';
import { forgetUnlisted } from '../headless/forget.ts';
import { type Groups, groupTasks, hideYoung } from '../headless/groups.ts';
import { remember, type TaskMemory } from '../headless/memory.ts';
import { presentOutcomes } from '../headless/present.ts';
import { ENGLISH, type Wording } from '../headless/words/wording.ts';
import { loadPusher } from '../push/pusher.ts';
import type { PusherSource } from '../push/pusher-class.ts';
import { findStorage } from '../storage.ts';
import { NOTIFY_KEY } from '../tabs/claim.ts';
import type { Away } from './away/away.ts';
import { Commands } from './commands.ts';
import { setHidden, setText } from './dom.ts';
import { RowList, type RowListContext } from './rows/row-list.ts';
import { SeenWatch } from './rows/seen-watch.ts';
import { makeShell, type Shell } from './shell.ts';
import { Speaker } from './speaker.ts';
import type { ToastStack } from './toasts/toast-stack.ts';

const PAGE = 30;
/** A page that is hidden is brought up to date this often, in milliseconds. */
const HIDDEN_FRAME = 500;
const TOAST_DURATION = 6_000;

// On a server there is no HTMLElement; importing this must not fail there.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * Attributes: `url` (where the task router is mounted; loads pusher-js and makes a feed of its own), `align="start"`
 * (the panel opens towards the end of the line), `share="off"` (this tab makes a push connection of its own),
 * `toast-duration` (milliseconds), `title-progress` and `favicon-progress` (progress and outcome before the page's
 * title and as its icon). Properties: `feed`, `wording`, `toastDuration`. Methods: `show()`, `hide()`.
 *
 * @example <inloop-tray url="/tasks"></inloop-tray>
 */
export class InloopTray extends Base {
  static readonly observedAttributes = ['url'];

  #shell: Shell | undefined;
  #wording: Wording = ENGLISH;
  #feed: TaskFeed | undefined;
  /** Made by us from `url`, so ours to close. */
  #own: PendingFeed | undefined;
  #stop: (() => void) | undefined;
  readonly #memories = new Map<string, TaskMemory>();
  readonly #commands = new Commands(
    () => this.#wording,
    () => this.#schedule(),
  );
  #list: RowList | undefined;
  #seen: SeenWatch | undefined;
  #toasts: ToastStack | undefined;
  /** Undefined until it is wanted, null while it is on its way. */
  #away: Away | null | undefined;
  /** Outcomes that stay in "New" while the panel is open, seen or not. */
  readonly #held = new Set<string>();
  #tasks: readonly Snapshot[] = [];
  /** Whose tasks are shown, as the feed says. */
  #channel: string | null | undefined;
  #groups: Groups | undefined;
  #limit = PAGE;
  #frame = 0;
  /** Whether `#frame` is a timer. */
  #isTimed = false;
  #connected = new AbortController();
  /** What had the focus before F6: an element, or the body where nothing had it. */
  #before: HTMLElement | undefined;
  #tick: ReturnType<typeof setTimeout> | undefined;

  #speaker: Speaker | undefined;
  #stopPresenting: (() => void) | undefined;

  /** The feed to show: set it to share one, instead of `url`. */
  get feed(): TaskFeed | undefined {
    return this.#feed;
  }

  set feed(feed: TaskFeed | undefined) {
    this.#closeOwn();
    this.#use(feed);
  }

  /** The words. Setting some of them keeps the rest: `tray.wording = { tasks: 'Aufgaben' }`. */
  get wording(): Wording {
    return this.#wording;
  }

  set wording(words: Partial<Wording>) {
    this.#wording = { ...this.#wording, ...words };
    this.#shell?.label(this.#wording);
    this.#schedule();
  }

  /**
   * How long a toast is shown, in milliseconds (attribute `toast-duration`; 6,000). Infinity: until it is dismissed.
   * 0: no toasts. Failures, and outcomes that offer something to do, are shown until they are dismissed.
   * @throws ConfigError `invalid_options` for anything else
   */
  get toastDuration(): number {
    const value = this.getAttribute('toast-duration') || TOAST_DURATION;
    return Number(value) >= 0 ? Number(value) : TOAST_DURATION;
  }

  set toastDuration(ms: number) {
    if (!(ms >= 0))
      throw new ConfigError('invalid_options', `toastDuration must be milliseconds, 0 or Infinity, got ${ms}.`);
    this.setAttribute('toast-duration', String(ms));
  }

  /** Whether the panel is open. */
  get isOpen(): boolean {
    return this.#shell?.panel.hidden === false;
  }

  /** Opens the panel. The focus stays where it is. */
  show(): void {
    if (!this.#shell || this.isOpen) return;
    this.#shell.panel.hidden = false;
    // What they tell of is in the panel now.
    this.#toasts?.clear();
    document.addEventListener('pointerdown', this.#onOutside, true);
    this.#schedule();
  }

  /** Closes the panel. Outcomes that were in view for 1.5 s count as seen. */
  hide(): void {
    if (!this.#shell || !this.isOpen) return;
    this.#held.clear();
    const hadFocus = this.#shell.panel.contains(this.#shell.root.activeElement);
    this.#shell.panel.hidden = true;
    if (hadFocus) this.#shell.button.focus();
    document.removeEventListener('pointerdown', this.#onOutside, true);
    this.#schedule();
  }

  connectedCallback(): void {
    if (!this.#shell) this.#build();
    for (const name of ['feed', 'wording', 'toastDuration'] as const) this.#adopt(name);
    if (this.#connected.signal.aborted || !this.#stop) {
      this.#connected.abort();
      this.#connected = new AbortController();
      this.#listen();
    }
    if (!this.#feed) this.#open();
    else if (!this.#stop) this.#use(this.#feed);
  }

  disconnectedCallback(): void {
    // Not at once: moving the element in the document disconnects and connects it.
    queueMicrotask(() => {
      if (this.isConnected) return;
      document.removeEventListener('pointerdown', this.#onOutside, true);
      clearTimeout(this.#tick);
      this.#seen?.follow(new Map());
      this.#speaker?.stop();
      this.#unschedule();
      this.#connected.abort();
      this.#toasts?.clear();
      this.#stop?.();
      this.#stop = undefined;
      this.#present(undefined);
      this.#closeOwn();
    });
  }

  attributeChangedCallback(_name: string, before: string | null, url: string | null): void {
    if (before === url || !this.#shell || !this.isConnected) return;
    this.#closeOwn();
    this.#open();
  }

  /** Takes over a property that was set before the element was defined, and hides the accessor since. */
  #adopt(name: 'feed' | 'wording' | 'toastDuration'): void {
    if (!Object.hasOwn(this, name)) return;
    const { [name]: value } = this;
    delete (this as Partial<this>)[name];
    Object.assign(this, { [name]: value });
  }

  #build(): void {
    const shell = makeShell(this.attachShadow({ mode: 'open' }));
    this.#shell = shell;
    this.#speaker = new Speaker(shell.live, () => this.#wording);
    this.#list = new RowList(shell, this.#commands, () => this.#schedule());
    this.#seen = new SeenWatch(shell.body, (ids) => this.#feed?.seen(ids));
    shell.label(this.#wording);
    shell.button.addEventListener('click', ({ detail }) => {
      // The second click of a double one.
      if (detail > 1) return;
      if (this.isOpen) this.hide();
      else this.show();
    });
    shell.close.addEventListener('click', () => this.hide());
    shell.more.addEventListener('click', () => {
      // Ever more, so that thousands are not thousands of clicks away.
      this.#limit *= 2;
      this.#feed?.loadMore().catch(() => {});
      this.#schedule();
    });
    shell.root.addEventListener('keydown', (event) => {
      if ((event as KeyboardEvent).key !== 'Escape' || event.defaultPrevented) return;
      if (this.isOpen) this.hide();
      else if (this.#before) this.#leave();
      else return;
      event.stopPropagation();
    });
  }

  // The feed

  #open(): void {
    const url = this.getAttribute('url');
    if (url === null) return;
    const isCurrent = () => this.isConnected && !this.#feed && this.getAttribute('url') === url;
    const start = (Pusher: PusherSource) => {
      if (!isCurrent()) return;
      this.#own = createTaskFeed({ url, Pusher });
      this.#use(this.#own);
    };
    // A page that hands in its feed needs neither.
    const share =
      this.getAttribute('share') === 'off'
        ? Promise.resolve(undefined)
        : import('../tabs/shared-pusher.ts').catch(() => undefined);
    Promise.all([loadPusher(), share])
      .then(([Pusher, shared]) => (shared ? shared.shareConnection(Pusher) : Pusher))
      // Without pusher-js there is still polling.
      .then(start, () => start(NoPusher));
  }

  #closeOwn(): void {
    if (!this.#own) return;
    this.#own.close();
    this.#own = undefined;
    this.#use(undefined);
  }

  #use(feed: TaskFeed | undefined): void {
    this.#stop?.();
    this.#stop = feed?.subscribe(() => {
      // At once, and not with the next frame: a hidden page has none.
      if (feed.getSnapshot().channel !== this.#channel) this.#turnTo(feed.getSnapshot().channel);
      this.#schedule();
    });
    this.#present(feed);
    this.#schedule();
    if (feed === this.#feed) return;
    this.#feed = feed;
    this.#forget();
  }

  #turnTo(channel: string | null): void {
    // Whoever comes to a feed that knew nobody brings nothing to forget.
    if (this.#channel) this.#forget();
    this.#channel = channel;
  }

  /** Nothing of another feed or user stays, in the panel or beside the page. */
  #forget(): void {
    this.#channel = this.#feed?.getSnapshot().channel;
    this.#tasks = [];
    this.#groups = undefined;
    this.#limit = PAGE;
    for (const kept of [this.#memories, this.#held]) kept.clear();
    this.#commands.use(this.#feed);
    this.#toasts?.clear();
    this.#speaker?.forget();
    this.#away?.forget();
    // Rows are let go of with what they show, whether there will be a frame or not.
    if (this.#shell && this.isConnected) this.#render();
  }

  /** Tells of outcomes, where no other tab does: from the first fetch on, since what is in that was missed. */
  #present(feed: TaskFeed | undefined): void {
    this.#stopPresenting?.();
    this.#stopPresenting = undefined;
    this.#away?.use(feed);
    if (!feed) return;
    const since = systemTiming.now();
    const start = () => {
      if (feed !== this.#feed || !this.isConnected || this.#stopPresenting) return;
      this.#stopPresenting = presentOutcomes({
        feed,
        since,
        present: ({ live, missed }) => {
          this.#speaker?.sayOutcomes(live);
          if (!this.isOpen) void this.#toast(live, missed);
        },
      });
    };
    const ready = 'ready' in feed ? (feed as PendingFeed).ready : Promise.resolve();
    ready.then(start, start);
  }

  // What is shown

  /** Renders with the next frame; a hidden page has none, but a title and an icon that are looked at. */
  #schedule(): void {
    if (this.#frame || !this.#shell || !this.isConnected) return;
    const render = () => {
      this.#frame = 0;
      this.#render();
    };
    this.#isTimed = document.visibilityState === 'hidden';
    this.#frame = this.#isTimed
      ? (setTimeout(render, HIDDEN_FRAME) as unknown as number)
      : requestAnimationFrame(render);
  }

  #unschedule(): void {
    if (this.#isTimed) clearTimeout(this.#frame);
    else cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #render(): void {
    const shell = this.#shell;
    if (!shell) return;
    const ourNow = systemTiming.now();
    const { tasks: all = [], connection = { status: 'connecting' as const } } = this.#feed?.getSnapshot() ?? {};
    this.#learn(all);
    const now = this.#feed?.now?.() ?? ourNow;
    const tasks = hideYoung(all, now);
    const groups = groupTasks(tasks, this.#held, this.#groups);
    this.#groups = groups;
    const wording = this.#wording;
    shell.showCounts(wording, groups.active.length, groups.unseen);
    const banner = describeConnection(connection, ourNow, wording);
    setHidden(shell.banner, banner === '');
    setText(shell.banner, banner);
    if (this.#away) this.#away.show(tasks, wording);
    else this.#loadAway(shell);

    const context = { wording, now, isStale: isOutOfDate(connection), base: document.baseURI };
    const find = (id: string) => {
      const task = this.#feed?.get(id);
      return task && isFinished(task) && !task.seenAt ? task : undefined;
    };
    this.#toasts?.update({ ...context, find });
    let again = tasks === all ? Number.POSITIVE_INFINITY : 200;
    if (this.isOpen) {
      if (connection.status !== 'live') again = Math.min(again, 1_000);
      again = Math.min(again, this.#showPanel(shell, groups, { ...context, ourNow, tasks: all }));
    }
    clearTimeout(this.#tick);
    if (again === 0) this.#schedule();
    else if (again < Number.POSITIVE_INFINITY) this.#tick = setTimeout(() => this.#schedule(), again);
  }

  #showPanel(shell: Shell, groups: Groups, context: Omit<RowListContext, 'memories' | 'onSlow'>): number {
    const { active } = groups;
    const unseen = groups.unseen.slice(0, this.#limit);
    const recent = groups.recent.slice(0, this.#limit - unseen.length);
    const hasMore = unseen.length + recent.length < groups.finished.length;
    const onSlow = (task: Snapshot) => this.#speaker?.saySlow(task);
    const again = this.#list?.show({ ...groups, unseen, recent }, { ...context, memories: this.#memories, onSlow });
    setHidden(shell.empty, active.length + groups.finished.length > 0);
    setHidden(shell.more, !hasMore && !this.#feed?.getSnapshot().hasMore);

    const rows = new Map<Element, string>();
    for (const { id, seenAt } of unseen) {
      this.#held.add(id);
      const row = seenAt ? undefined : this.#list?.rowOf(id);
      if (row) rows.set(row, id);
    }
    this.#seen?.follow(rows);
    return again ?? Number.POSITIVE_INFINITY;
  }

  /** Fetches what is for users who look elsewhere, where it may be wanted: on other pages it costs nothing. */
  #loadAway(shell: Shell): void {
    const isWanted = this.isOpen || this.hasAttribute('title-progress') || this.hasAttribute('favicon-progress');
    if (this.#away === null || !(isWanted || findStorage()?.getItem(NOTIFY_KEY))) return;
    this.#away = null;
    import('./away/away.ts')
      .then(({ Away }) => {
        this.#away = new Away(this, shell.panel, () => this.show());
        if (this.#stop) this.#away.use(this.#feed);
        this.#schedule();
      })
      // Not to be had just now, and not needed to follow tasks.
      .catch(() => {});
  }

  /** Tells of outcomes beside the page. What draws that is fetched with the first of them. */
  async #toast(live: readonly OutcomeSnapshot[], missed: readonly OutcomeSnapshot[]): Promise<void> {
    const { ToastStack } = await import('./toasts/toast-stack.ts').catch(() => ({ ToastStack: undefined }));
    const shell = this.#shell;
    // Not to be had, or shown in the panel meanwhile.
    if (!ToastStack || !shell || !this.isConnected || this.isOpen) return;
    this.#toasts ??= new ToastStack({
      ...{ root: shell.root, live: shell.live, commands: this.#commands },
      onShow: () => {
        this.show();
        shell.button.focus();
      },
      onDismiss: (ids) => this.#feed?.seen(ids),
      onLeave: () => this.#leave(),
    });
    this.#toasts.add(live, this.toastDuration);
    this.#toasts.addMissed(missed);
    this.#schedule();
  }

  #learn(tasks: readonly Snapshot[]): void {
    if (tasks === this.#tasks) return;
    for (let index = 0; index < tasks.length; index++) {
      const task = tasks[index] as Snapshot;
      if (task === this.#tasks[index]) continue;
      this.#memories.set(task.id, remember(this.#memories.get(task.id), task));
    }
    for (const kept of [this.#memories, this.#held]) forgetUnlisted<unknown>(kept, tasks);
    this.#tasks = tasks;
  }

  // The page around

  #listen(): void {
    const { signal } = this.#connected;
    document.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    document.addEventListener(
      'visibilitychange',
      () => {
        // A frame that was asked for while the page was visible does not come while it is hidden, and the other way.
        this.#unschedule();
        this.#toasts?.update();
        this.#seen?.restart();
        this.#schedule();
      },
      { signal },
    );
    // A modal dialog says nothing when it opens, but it takes the focus.
    for (const type of ['focusin', 'close', 'toggle'])
      document.addEventListener(type, () => this.#toasts?.place(), { signal, capture: true });
  }

  /** F6 goes to the toasts, then to the tray's button, and from there on to where the browser takes it. */
  #onKey(event: KeyboardEvent): void {
    const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
    if (key !== 'F6' || altKey || ctrlKey || metaKey || shiftKey || event.defaultPrevented) return;
    const target = event.composedPath()[0] as HTMLElement;
    const isInToasts = this.#toasts?.element.contains(target);
    if (event.composedPath().includes(this) && !isInToasts) return;
    if (!isInToasts) this.#before = target;
    if (isInToasts || !this.#toasts?.focus()) this.#shell?.button.focus();
    event.preventDefault();
  }

  /** Gives the focus back to where it was before F6. */
  #leave(): void {
    const before = this.#before;
    this.#before = undefined;
    if (before === document.body) (this.#shell?.root.activeElement as HTMLElement | null)?.blur();
    else if (before?.isConnected) giveFocus(before);
    else this.#shell?.button.focus();
  }

  readonly #onOutside = (event: Event): void => {
    if (!event.composedPath().includes(this)) this.hide();
  };
}

/** Puts the focus on `element`, and looks whether it stayed: in Firefox 153 it was seen on the body after F6 and Escape. */
function giveFocus(element: HTMLElement): void {
  element.focus();
  requestAnimationFrame(() => {
    if (document.activeElement === document.body && element.isConnected) element.focus();
  });
}

/** Stands in where pusher-js is not to be had. It is no constructor, so every attempt is refused, and the feed polls. */
const NoPusher = (() => {}) as unknown as PusherSource;
