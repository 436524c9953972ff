/**
 * What the tabs of a browser tell each other about who is signed in, so that no tab goes on showing the tasks of somebody
 * who has signed out. Tabs share cookies but no memory. A tab that learns who is signed in tells the others, and those that
 * know something else ask the server. Nothing about tasks is sent here.
 *
 * A page that is left may lead to a sign-out page without inloop. So the other tabs ask the server soon after: once at
 * once, and once after a slow sign-out would be over. A tab that has asked tells the others, so that they need not.
 */

import type { Timing } from '../environment.ts';

export interface TabsOptions {
  /** Feeds with the same name talk to each other. */
  readonly name: string;
  readonly timing: Timing;
  /** Who is signed in, as far as this tab knows: a channel, null for nobody, undefined while it does not know. */
  readonly belief: () => string | null | undefined;
  /** Asks the server who is signed in. */
  readonly check: () => Promise<void>;
}

export interface Tabs {
  /** Starts to listen, unless it does already. */
  open(): void;
  /** Tells the others who is signed in, as far as this tab knows. */
  say(): void;
  /** Tells the others that this page is being left, and stops listening. */
  leave(): void;
}

type Message = { readonly channel: string | null } | { readonly hasLeft: true };

/** When to ask the server after a tab was left, in milliseconds: a fast sign-out is over by the first, a slow one by the second. */
const CHECKS = [50, 1_300] as const;
/** The checks of many tabs are spread over this time, in milliseconds, so that the first one spares the rest. */
const SPREAD = 350;

/** Where there is no BroadcastChannel, every tab is on its own. */
export function createTabs({ name, timing, belief, check }: TabsOptions): Tabs {
  let channel: BroadcastChannel | undefined;
  let due: number[] = [];
  let timer: unknown;

  function post(message: Message): void {
    channel?.postMessage(message);
  }

  function say(): void {
    const known = belief();
    if (known !== undefined) post({ channel: known });
  }

  function plan(): void {
    timing.clearTimeout(timer);
    const [next] = due;
    if (next === undefined) return;
    timer = timing.setTimeout(() => {
      due.shift();
      plan();
      void check().then(say);
    }, next - timing.now());
  }

  function hear(message: Message): void {
    const known = belief();
    // A tab that does not know yet is asking the server already.
    if (known === undefined) return;
    const now = timing.now();
    if ('hasLeft' in message) {
      const [first, last] = CHECKS.map((ms) => now + ms + SPREAD * timing.random()) as [number, number];
      // Tabs that are left one after the other do not postpone the first check.
      due = [Math.min(due[0] ?? first, first), last];
    } else if (message.channel === known) due = due.filter((at) => at > now + SPREAD);
    else void check();
    plan();
  }

  return {
    say,
    open() {
      if (channel || !globalThis.BroadcastChannel) return;
      channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }: MessageEvent<Message>) => hear(data);
      // In Node it would keep the process from ending.
      (channel as { unref?(): void }).unref?.();
    },
    leave() {
      if (belief() !== undefined) post({ hasLeft: true });
      channel?.close();
      channel = undefined;
      due = [];
      timing.clearTimeout(timer);
    },
  };
}
