/** `<inloop-tray>`: the record of the user's tasks, as a button with a number and a panel. Words and rows are made elsewhere. */

import type { TaskError } from '../../core/error.ts';
import { isFinished, type Snapshot } from '../../core/snapshot.ts';
import { createTaskFeed, type PendingFeed, type TaskFeed } from '../feed.ts';
import { presentOutcomes } from '../present.ts';
import { loadPusher, type PusherSource } from '../pusher.ts';
import { shareConnection } from '../share/shared-pusher.ts';
import { describeConnection, isOutOfDate } from '../view/banner.ts';
import { describeTask } from '../view/describe.ts';
import { countOutcomes, type Groups, groupTasks, retriedIds } from '../view/groups.ts';
import { observeClock, remember, type TaskMemory } from '../view/memory.ts';
import { ENGLISH, type Wording } from '../view/wording.ts';
import { setChildren, setHidden, setText } from './dom.ts';
import { Row } from './row.ts';
import { makeShell, type Shell } from './shell.ts';
import { Speaker } from './speaker.ts';

const GROUPS = ['active', 'unseen', 'recent'] as const;
/** How long an outcome has to be in view to count as seen, in milliseconds. */
const DWELL = 1_500;
const PAGE = 30;
/** Rows out of view are brought up to date this often, in milliseconds, and at most so many a frame. */
const OUT_OF_VIEW = 2_000;
const LATE_ROWS = 10;

// On a server there is no HTMLElement; importing this must not fail there.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * Attributes: `url` (where the task router is mounted; loads pusher-js and makes a feed of its own), `align="start"`
 * (the panel opens towards the end of the line), `share="off"` (this tab makes a push connection of its own). Properties: `feed`, `wording`. Methods: `show()`, `hide()`.
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
  readonly #rows = new Map<string, Row>();
  readonly #memories = new Map<string, TaskMemory>();
  readonly #busy = new Set<string>();
  readonly #errors = new Map<string, string>();
  /** Outcomes that stay in "New" while the panel is open, seen or not. */
  readonly #held = new Set<string>();
  #tasks: readonly Snapshot[] = [];
  #ahead: number | null = null;
  #groups: Groups | undefined;
  #limit = PAGE;
  #frame = 0;
  #tick: ReturnType<typeof setTimeout> | undefined;
  #dwell: ReturnType<typeof setTimeout> | undefined;

  #speaker: Speaker | undefined;
  /** Outcomes reached while nobody looked, until they are shown or dismissed; this tab was the one to say so. */
  readonly #missed = new Set<string>();
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

  /** Whether the panel is open. */
  get isOpen(): boolean {
    return this.#shell?.panel.hidden === false;
  }

  /** Opens the panel. The focus stays where it is. */
  show(): void {
    if (!this.#shell || this.isOpen) return;
    this.#shell.panel.hidden = false;
    this.#missed.clear();
    document.addEventListener('pointerdown', this.#onOutside, true);
    this.#schedule();
  }

  /** Closes the panel; the outcomes that were in it count as seen. */
  hide(): void {
    if (!this.#shell || !this.isOpen) return;
    this.#markSeen();
    this.#held.clear();
    const hadFocus = this.#shell.panel.contains(this.#shell.root.activeElement);
    this.#shell.panel.hidden = true;
    if (hadFocus) this.#shell.button.focus();
    document.removeEventListener('pointerdown', this.#onOutside, true);
    this.#schedule();
  }

  connectedCallback(): void {
    if (!this.#shell) this.#build();
    for (const name of ['feed', 'wording'] as const) this.#adopt(name);
    if (!this.#feed) this.#open();
    else if (!this.#stop) this.#use(this.#feed);
  }

  disconnectedCallback(): void {
    // Not at once: moving the element in the document disconnects and connects it.
    queueMicrotask(() => {
      if (this.isConnected) return;
      document.removeEventListener('pointerdown', this.#onOutside, true);
      for (const timer of [this.#tick, this.#dwell]) clearTimeout(timer);
      this.#dwell = undefined;
      this.#speaker?.stop();
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
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
  #adopt(name: 'feed' | 'wording'): void {
    if (!Object.hasOwn(this, name)) return;
    const { [name]: value } = this;
    delete (this as Partial<this>)[name];
    Object.assign(this, { [name]: value });
  }

  #build(): void {
    const shell = makeShell(this.attachShadow({ mode: 'open' }), this.nonce);
    this.#shell = shell;
    this.#speaker = new Speaker(shell.live, () => this.#wording);
    shell.label(this.#wording);
    shell.button.addEventListener('click', () => (this.isOpen ? this.hide() : this.show()));
    shell.close.addEventListener('click', () => this.hide());
    shell.show.addEventListener('click', () => {
      this.show();
      shell.button.focus();
    });
    shell.dismiss.addEventListener('click', () => {
      const ids = [...this.#missed];
      this.#missed.clear();
      this.#feed?.seen(ids);
      shell.button.focus();
      this.#schedule();
    });
    shell.more.addEventListener('click', () => {
      this.#limit += PAGE;
      this.#feed?.loadMore().catch(() => {});
      this.#schedule();
    });
    shell.root.addEventListener('keydown', (event) => {
      if ((event as KeyboardEvent).key !== 'Escape' || !this.isOpen) return;
      event.stopPropagation();
      this.hide();
    });
  }

  // The feed

  #open(): void {
    const url = this.getAttribute('url');
    if (url === null) return;
    const isCurrent = () => this.isConnected && !this.#feed && this.getAttribute('url') === url;
    const start = (Pusher: PusherSource) => {
      if (!isCurrent()) return;
      const isShared = this.getAttribute('share') !== 'off';
      this.#own = createTaskFeed({ url, Pusher: isShared ? shareConnection(Pusher) : Pusher });
      this.#use(this.#own);
    };
    // Without pusher-js there is still polling.
    loadPusher().then(start, () => start(NoPusher));
  }

  #closeOwn(): void {
    if (!this.#own) return;
    this.#own.close();
    this.#own = undefined;
    this.#use(undefined);
  }

  #use(feed: TaskFeed | undefined): void {
    this.#stop?.();
    this.#stop = feed?.subscribe(() => this.#schedule());
    this.#present(feed);
    this.#schedule();
    if (feed === this.#feed) return;
    this.#feed = feed;
    this.#tasks = [];
    for (const kept of [this.#memories, this.#busy, this.#errors, this.#held, this.#missed]) kept.clear();
    this.#speaker?.stop();
  }

  /** Tells of outcomes, where no other tab does: from the first fetch on, since what is in that was missed. */
  #present(feed: TaskFeed | undefined): void {
    this.#stopPresenting?.();
    this.#stopPresenting = undefined;
    if (!feed) return;
    const start = () => {
      if (feed !== this.#feed || !this.isConnected || this.#stopPresenting) return;
      this.#stopPresenting = presentOutcomes({
        feed,
        present: ({ live, missed }) => {
          this.#speaker?.sayOutcomes(live);
          if (!this.isOpen) for (const { id } of missed) this.#missed.add(id);
          this.#schedule();
        },
      });
    };
    const ready = 'ready' in feed ? (feed as PendingFeed).ready : Promise.resolve();
    ready.then(start, start);
  }

  // What is shown

  #schedule(): void {
    if (this.#frame || !this.#shell || !this.isConnected) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#render();
    });
  }

  #render(): void {
    const shell = this.#shell;
    if (!shell) return;
    const now = Date.now();
    const { tasks = [], connection = { status: 'connecting' as const } } = this.#feed?.getSnapshot() ?? {};
    this.#learn(tasks, now);
    const groups = groupTasks(tasks, this.#held, this.#groups);
    this.#groups = groups;
    const missed = groups.unseen.filter(({ id, seenAt }) => !seenAt && this.#missed.has(id));
    shell.showCounts(this.#wording, groups.active.length, groups.unseen);
    setHidden(shell.away, this.isOpen || missed.length === 0);
    if (missed.length > 0) setText(shell.awayText, this.#wording.away(...countOutcomes(missed)));
    const banner = describeConnection(connection, now, this.#wording);
    setHidden(shell.banner, banner === '');
    setText(shell.banner, banner);

    const isTicking = this.isOpen && this.#renderRows(shell, groups, now, isOutOfDate(connection));
    clearTimeout(this.#tick);
    if (isTicking || (this.isOpen && connection.status !== 'live'))
      this.#tick = setTimeout(() => this.#schedule(), 1_000);
  }

  #renderRows(shell: Shell, groups: Groups, now: number, isStale: boolean): boolean {
    const all = [...groups.active, ...groups.unseen, ...groups.recent.slice(0, this.#limit)];
    const retried = retriedIds(this.#tasks);
    const focused = shell.root.activeElement;
    let isTicking = false;
    let late = LATE_ROWS;
    const draw = (task: Snapshot): Element => {
      const known = this.#rows.get(task.id);
      const row = known ?? new Row((action, id) => this.#command(action, id));
      if (!known) {
        this.#rows.set(task.id, row);
        shell.watch(row.element, (isInView) => {
          row.isInView = isInView;
          if (isInView) this.#schedule();
        });
      }
      // Rows out of view follow in turns: they are for those who search or listen, not for the eye.
      if (known && !row.isInView && (now - row.updatedAt < OUT_OF_VIEW || late-- <= 0)) {
        isTicking = true;
        return row.element;
      }
      const view = describeTask(this.#memories.get(task.id) ?? remember(undefined, task), {
        wording: this.#wording,
        now: now - (this.#ahead ?? 0),
        isStale,
        isRetried: retried.has(task.id),
        base: document.baseURI,
      });
      isTicking ||= view.isTicking;
      if (view.isSlow) this.#speaker?.saySlow(task);
      row.update(view, { isBusy: this.#busy.has(task.id), error: this.#errors.get(task.id) }, this.#wording, now);
      return row.element;
    };
    const shown = { ...groups, recent: groups.recent.slice(0, this.#limit) };
    for (const name of GROUPS) {
      setChildren(shell.lists[name], shown[name].map(draw));
      setHidden(shell.sections[name], shown[name].length === 0);
    }
    const ids = new Set(all.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      shell.unwatch(row.element);
      this.#rows.delete(id);
    }
    setHidden(shell.empty, all.length > 0);
    setHidden(shell.more, groups.recent.length <= this.#limit && !this.#feed?.getSnapshot().hasMore);
    // Moving a node takes the focus from what is in it.
    if (focused && focused !== shell.root.activeElement) (focused as HTMLElement).focus();

    for (const { id } of groups.unseen) this.#held.add(id);
    if (groups.unseen.some((task) => !task.seenAt) && this.#dwell === undefined) {
      this.#dwell = setTimeout(() => {
        this.#dwell = undefined;
        if (this.isOpen && document.visibilityState === 'visible') this.#markSeen();
      }, DWELL);
    }
    return isTicking;
  }

  #learn(tasks: readonly Snapshot[], now: number): void {
    if (tasks === this.#tasks) return;
    const changed: Snapshot[] = [];
    for (const task of tasks) {
      const known = this.#memories.get(task.id);
      const next = remember(known, task);
      if (next === known) continue;
      this.#memories.set(task.id, next);
      changed.push(task);
    }
    this.#ahead = observeClock(this.#ahead, changed, now);
    this.#tasks = tasks;
  }

  #markSeen(): void {
    const ids = this.#tasks.filter((task) => isFinished(task) && !task.seenAt && this.#held.has(task.id));
    if (ids.length > 0) this.#feed?.seen(ids.map(({ id }) => id));
  }

  #command(action: 'cancel' | 'retry', id: string): void {
    const feed = this.#feed;
    if (!feed || this.#busy.has(id)) return;
    this.#busy.add(id);
    this.#errors.delete(id);
    this.#schedule();
    feed[action](id)
      .catch((error: TaskError) => {
        // 409: it has moved on meanwhile, which its row is about to show.
        if (error.status === 409)
          return feed.load(id).then(
            () => {},
            () => {},
          );
        this.#errors.set(id, this.#wording.commandFailed(error.message));
      })
      .finally(() => {
        this.#busy.delete(id);
        this.#schedule();
      });
  }

  readonly #onOutside = (event: Event): void => {
    if (!event.composedPath().includes(this)) this.hide();
  };
}

/** Stands in where pusher-js is not to be had: every attempt is refused, and the feed lives on by polling. */
const NoPusher = class {
  constructor() {
    throw new Error('pusher-js could not be loaded');
  }
} as unknown as PusherSource;
