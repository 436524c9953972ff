/**
 * What the tabs of a browser tell each other about who is signed in, so that no tab goes on showing the tasks of somebody
 * who has signed out. Tabs share cookies but no memory. A tab that learns who is signed in tells the others, and those that
 * know something else ask the server. Nothing about tasks is sent here.
 *
 * A page that is left may lead to a sign-out page without inloop. So the other tabs ask the server twice: after 50 ms, and
 * after 1.3 s for a slow sign-out. A tab that has asked tells the others, and they leave out the same question.
 */

import type { Timing } from '../environment.ts';
import { CHECK_SPREAD } from './limits.ts';

export interface TabsOptions {
  /** Feeds with the same name talk to each other. */
  readonly name: string;
  readonly timing: Timing;
  /** Who is signed in, as far as this tab knows: their channel, null for nobody, undefined while that is not known. */
  readonly knownUser: () => string | null | undefined;
  /** Asks the server who is signed in. */
  readonly check: () => Promise<void>;
}

export interface Tabs {
  /** Starts to listen to the other tabs, unless this tab listens already. */
  open(): void;
  /** Tells the others who is signed in, if this tab knows. */
  tellTabs(): void;
  /** Tells the others that this page is being left, and stops listening. */
  leave(): void;
}

type Message = { readonly channel: string | null } | { readonly hasLeft: true };

/**
 * When to ask the server after a tab was left, in milliseconds.
 * A fast sign-out is over the first time, a slow one the second.
 */
const CHECKS = [50, 1_300] as const;

/** Where there is no BroadcastChannel, every tab is on its own. */
export function createTabs(options: TabsOptions): Tabs {
  const { timing, knownUser } = options;
  let channel: BroadcastChannel | undefined;
  /** When to ask the server, earliest first. */
  let due: number[] = [];
  let timer: unknown;

  function post(message: Message): void {
    channel?.postMessage(message);
  }

  function tellUser(): void {
    const known = knownUser();
    if (known !== undefined) post({ channel: known });
  }

  function plan(): void {
    timing.clearTimeout(timer);
    const [next] = due;
    if (next === undefined) return;
    timer = timing.setTimeout(() => {
      due.shift();
      plan();
      void options.check().then(tellUser);
    }, next - timing.now());
  }

  function onMessage(message: Message): void {
    const known = knownUser();
    // A tab that does not know who is signed in is asking the server already.
    if (known === undefined) return;
    const now = timing.now();
    if ('hasLeft' in message) {
      const [first, last] = CHECKS.map((ms) => now + ms + CHECK_SPREAD * timing.random()) as [number, number];
      // A tab that is left while a check is due must not postpone that check.
      due = [Math.min(due[0] ?? first, first), last];
    } else if (message.channel === known) {
      // The other tab has just asked: leave out the check that is due about now.
      due = due.filter((at) => at > now + CHECK_SPREAD);
    } else void options.check();
    plan();
  }

  return {
    tellTabs: tellUser,
    open() {
      if (channel || !globalThis.BroadcastChannel) return;
      channel = new BroadcastChannel(options.name);
      channel.onmessage = ({ data }: MessageEvent<Message>) => onMessage(data);
      // In Node an open channel keeps the process from ending.
      (channel as { unref?(): void }).unref?.();
    },
    leave() {
      if (knownUser() !== undefined) post({ hasLeft: true });
      channel?.close();
      channel = undefined;
      due = [];
      timing.clearTimeout(timer);
    },
  };
}
