/**
 * Leader election among the tabs of a browser, for the shared push connection (`shared-pusher.ts`).
 *
 * Where the browser has Web Locks, the leader is the tab that holds the lock. The browser gives the lock to another tab as
 * soon as the leader closes, crashes or freezes. Web Locks need a secure context. On plain http (an intranet) the tabs use
 * a lease in localStorage: the leader renews it every 0.4 to 0.5 s, and another tab takes it if it was not renewed for 1.5 s.
 */

import { systemTiming, type Timing } from '../environment.ts';
import { findStorage, readText, type SharedStorage, writeText } from '../storage.ts';
import { LEASE, RENEW } from './limits.ts';

export interface ElectionOptions {
  /** Tabs with the same name elect one leader. */
  readonly name: string;
  /** This tab is the leader now, until it leaves the election or closes. */
  readonly onElected: () => void;
  /** This tab has lost the lease to another one, because it slept and did not renew it. Never with Web Locks. */
  readonly onReplaced: () => void;
  /** Default: Web Locks; null where there are none. */
  readonly locks?: Pick<LockManager, 'request'> | null;
  /** Default: localStorage; null where there is none. Then every tab is a leader. */
  readonly storage?: SharedStorage | null;
  readonly timing?: Timing;
}

/** Takes part in the election. Returns a function that leaves it, and gives up the lead where this tab has it. */
export function electLeader(options: ElectionOptions): () => void {
  const { locks = globalThis.navigator?.locks ?? null } = options;
  return locks ? waitForLock(locks, options) : keepLease(options);
}

function waitForLock(locks: Pick<LockManager, 'request'>, options: ElectionOptions): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  let stopLease: (() => void) | undefined;
  const hold = () => {
    if (signal.aborted) return undefined;
    options.onElected();
    // `onElected` may have stopped the election. Then there is no `abort` event to wait for.
    if (signal.aborted) return undefined;
    return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  };
  locks.request(options.name, { signal }, hold).catch(() => {
    // The browser refuses locks to this page (an opaque origin), or the election was stopped.
    if (!signal.aborted) stopLease = keepLease(options);
  });
  return () => {
    stop.abort();
    stopLease?.();
  };
}

function keepLease(options: ElectionOptions): () => void {
  const { name, onElected, onReplaced, storage = findStorage(), timing = systemTiming } = options;
  if (!storage) {
    onElected();
    return () => undefined;
  }
  const ownId = `${timing.now()}.${timing.random()}`;
  let isElected = false;
  let timer: unknown;
  /** The text of the lease at the last check, and when this tab first found that text, by its own clock. */
  let lastText = '';
  let changedAt = -Infinity;
  let renewals = 0;

  const readLease = () => readText(storage, name) ?? '';

  function checkLease(): void {
    timer = timing.setTimeout(checkLease, RENEW * (0.8 + 0.2 * timing.random()));
    const now = timing.now();
    const text = readLease();
    if (text !== lastText) {
      lastText = text;
      changedAt = now;
    }
    // The leader changes the text with each renewal, and this tab measures how long the text stays the same. The lease holds
    // no time: the clocks of two tabs cannot be compared, since the device's clock may be set at any moment.
    const isFree = text === '' || now - changedAt > LEASE;
    const isOurs = text.startsWith(`${ownId} `) && !isFree;
    // A tab that takes the lease becomes the leader at its next check. If two tabs take the lease at the same moment, only the
    // one that wrote last then finds its own text.
    if (isOurs && !isElected) {
      isElected = true;
      onElected();
    } else if (isElected && !isOurs) {
      isElected = false;
      onReplaced();
    }
    // Where the storage is full or forbidden, no tab becomes the leader, and the feed polls.
    if (isOurs || isFree) writeText(storage, name, `${ownId} ${renewals++}`);
  }

  checkLease();
  return () => {
    timing.clearTimeout(timer);
    if (isElected && readLease().startsWith(`${ownId} `)) writeText(storage, name, '');
  };
}
