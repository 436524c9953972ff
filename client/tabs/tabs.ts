/**
 * What the tabs of a browser tell each other about who is signed in, so that none of them goes on showing what belongs
 * to somebody who has left. They share cookies, not memory: one that learns who it is says so, and others that believe
 * something else ask the server. Nothing of a task travels here.
 *
 * A page that is left may lead to a sign-out page without inloop. So the others check soon after: once at once, and
 * once when the server has had time. One that has checked says what it found, which spares the rest the question.
 */

import type { Timing } from '../environment.ts';

export interface TabsOptions {
  /** Feeds that name the same talk to each other. */
  readonly name: string;
  readonly timing: Timing;
  /** Whom this tab believes to be signed in: a channel, null for nobody, undefined while it does not know. */
  readonly belief: () => string | null | undefined;
  /** Asks the server who is signed in. */
  readonly check: () => Promise<void>;
}

export interface Tabs {
  /** Starts to listen, where it does not. */
  open(): void;
  /** Tells the others what this tab believes. */
  say(): void;
  /** Tells them that it is being left, and stops listening. */
  leave(): void;
}

type Message = { readonly channel: string | null } | { readonly hasLeft: true };

/** When to check after a tab was left, in milliseconds: a quick sign-out is over at the first, a slow one at the second. */
const CHECKS = [50, 1_300] as const;
/** Spread over this, so that of many tabs one asks. */
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
    // One that does not know yet is asking already.
    if (known === undefined) return;
    const now = timing.now();
    if ('hasLeft' in message) {
      const [first, last] = CHECKS.map((ms) => now + ms + SPREAD * timing.random()) as [number, number];
      // Tabs that are left one after the other do not put the first check off.
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
