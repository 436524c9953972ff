/**
 * Leader election among the tabs of a browser, for the shared push connection (`shared-pusher.ts`).
 *
 * Where the browser has Web Locks, the leader is the tab that holds the lock. The browser gives the lock to another tab as
 * soon as the leader closes, crashes or freezes. Web Locks need a secure context. On plain http (an intranet) the tabs use
 * a lease in localStorage: the leader renews it twice a second, and another tab takes it when it was not renewed for 1.5 s.
 */

import { systemTiming, type Timing } from '../environment.ts';
import { findStorage, readText, type SharedStorage, writeText } from '../storage.ts';

/** A lease that was not renewed for this long is free, in milliseconds. */
const LEASE = 1_500;
/** The leader renews its lease this often, in milliseconds. */
const RENEW = 500;

export interface ElectionOptions {
  /** Tabs with the same name elect one leader. */
  readonly name: string;
  /** This tab is the leader, until it stops or closes. */
  readonly onElected: () => void;
  /** This tab is the leader no more: it slept so long that another took the lease. Never with Web Locks. */
  readonly onReplaced: () => void;
  /** Default: Web Locks; null where there are none. */
  readonly locks?: Pick<LockManager, 'request'> | null;
  /** Default: localStorage; null where there is none, then every tab is a leader. */
  readonly storage?: SharedStorage | null;
  readonly timing?: Timing;
}

/** Takes part in the election. Returns a function that gives up the lead, or takes part no more. */
export function electLeader(options: ElectionOptions): () => void {
  const locks = options.locks === undefined ? (globalThis.navigator?.locks ?? null) : options.locks;
  return locks ? waitForLock(locks, options) : keepLease(options);
}

function waitForLock(locks: Pick<LockManager, 'request'>, options: ElectionOptions): () => void {
  const { name, onElected } = options;
  const stop = new AbortController();
  let fallBack: (() => void) | undefined;
  const hold = () => {
    if (stop.signal.aborted) return undefined;
    onElected();
    // It may have stopped within `onElected`. Then there will be no `abort` event to wait for.
    if (stop.signal.aborted) return undefined;
    return new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  };
  Promise.resolve(locks.request(name, { signal: stop.signal }, hold)).catch(() => {
    // The browser refuses locks to this page (an opaque origin), or the election was stopped.
    if (!stop.signal.aborted) fallBack = keepLease(options);
  });
  return () => {
    stop.abort();
    fallBack?.();
  };
}

function keepLease(options: ElectionOptions): () => void {
  const { name, onElected, onReplaced, timing = systemTiming } = options;
  const storage = options.storage === undefined ? findStorage() : options.storage;
  if (!storage) {
    onElected();
    return () => undefined;
  }
  const self = `${timing.now()}.${timing.random()}`;
  let isElected = false;
  let timer: unknown;
  let last = '';
  let changedAt = -Infinity;
  let renewals = 0;

  const readLease = () => readText(storage, name) ?? '';

  function look(): void {
    timer = timing.setTimeout(look, RENEW * (0.8 + 0.2 * timing.random()));
    const now = timing.now();
    const text = readLease();
    if (text !== last) {
      last = text;
      changedAt = now;
    }
    // The leader changes the text with each renewal, and this tab measures how long it stays the same. Times of two tabs are
    // not compared, since the device's clock may be set at any moment.
    const isFree = text === '' || now - changedAt > LEASE;
    const isOurs = text.startsWith(`${self} `) && !isFree;
    // A tab that takes the lease leads from the next look on. Of two that take it at the same moment, only the one that
    // wrote last then finds its own text.
    if (isOurs && !isElected) {
      isElected = true;
      onElected();
    } else if (isElected && !isOurs) {
      isElected = false;
      onReplaced();
    }
    // Where the storage is full or forbidden, no tab becomes the leader, and the feed polls.
    if (isOurs || isFree) writeText(storage, name, `${self} ${renewals++}`);
  }

  look();
  return () => {
    timing.clearTimeout(timer);
    if (isElected && readLease().startsWith(`${self} `)) writeText(storage, name, '');
  };
}
