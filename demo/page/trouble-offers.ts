/** What the card "Make trouble" offers: each kind of trouble, what it does, and what to watch. */

import type { TroubleKind } from './api.ts';

/** One kind of trouble, in the words of the page. */
export interface Offer {
  /** `sleep` stops this tab; every other kind breaks a part of the stack. */
  readonly kind: TroubleKind | 'sleep';
  readonly label: string;
  /** Says what the button does. */
  readonly does: string;
  /** Says what to look for in the tray. */
  readonly watch: string;
  /** Says that the trouble has begun. */
  begun(pid?: number): string;
}

/** In the order of the page. */
export const OFFERS: readonly Offer[] = [
  {
    kind: 'kill-worker',
    label: 'Kill the worker',
    does: 'Ends it with SIGKILL, in the middle of its work. Another one starts by itself.',
    watch: 'the import is tried again within 10 seconds, and no contact is there twice. It has three attempts.',
    begun: (pid) => `The worker (process ${pid}) was killed. Another one is starting.`,
  },
  {
    kind: 'stop-soketi',
    label: 'Stop Soketi',
    does: 'The push server is down for 10 seconds.',
    watch: 'a quiet line in Tasks says that updates come late; the import goes on, in steps.',
    begun: () => 'Soketi is down.',
  },
  {
    kind: 'drop-connection',
    label: 'Drop the connection',
    does: 'Cuts all live connections, without a goodbye.',
    watch: 'hardly anything: within 2 seconds or so the page is live again.',
    begun: () => 'All live connections were cut.',
  },
  {
    kind: 'block-websockets',
    label: 'Block WebSockets',
    does: 'For a minute, Soketi refuses them to browsers, as some company networks do.',
    watch: 'updates come in steps at first; after half a minute or so the page is live again, over plain HTTP.',
    begun: () => 'WebSockets are refused.',
  },
  {
    kind: 'lose-messages',
    label: 'Lose messages',
    does: 'For 30 seconds, Soketi sends no news of tasks, and looks healthy.',
    watch: 'the bar stands still. After 15 seconds of silence the page asks by itself.',
    begun: () => 'Messages are being lost.',
  },
  {
    kind: 'double-messages',
    label: 'Double messages',
    does: 'For 30 seconds, each message comes twice: the second time late, after newer ones.',
    watch: 'nothing. The bar never goes back, and you are told once.',
    begun: () => 'Messages come twice.',
  },
  {
    kind: 'sleep',
    label: 'Sleep',
    does: 'This tab really stands still, like a computer whose lid is closed: no timer runs, nothing arrives, and its connection is gone. If your browser offers to close it, wait; another tab can wake it.',
    watch: 'it catches up when it wakes.',
    begun: () => 'A tab is asleep.',
  },
];

/** For how long the tab can sleep. */
export const SLEEPS = [
  { seconds: 20, label: 'for 20 seconds' },
  { seconds: 120, label: 'for 2 minutes' },
  { seconds: 600, label: 'for 10 minutes' },
] as const;
