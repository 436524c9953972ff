/**
 * Elects one of the tabs of a browser. For the shared connection.
 *
 * Web Locks do it where they are: the browser passes the lock on at once when its tab closes, crashes or freezes.
 * They need a secure context, so on plain http (an intranet) the tabs keep a lease in localStorage instead: the
 * one that holds it renews it twice a second, and when it has not been renewed for 1.5 s another takes it.
 */

import { systemTiming, type Timing } from '../environment.ts';
import { findStorage, readText, type SharedStorage, writeText } from '../storage.ts';

const LEASE = 1_500;
const RENEW = 500;

export interface ElectionOptions {
  /** The tabs that name the same are in one election. */
  readonly name: string;
  /** This tab is the one, until `resign` or until it closes. */
  readonly onElected: () => void;
  /** It no longer is: it slept so long that another took over. Only with a lease. */
  readonly onDeposed: () => void;
  /** Default: Web Locks; null where there are none. */
  readonly locks?: Pick<LockManager, 'request'> | null;
  /** Default: localStorage; null where there is none, then every tab is elected. */
  readonly storage?: SharedStorage | null;
  readonly timing?: Timing;
}

/** Stands for election. Returns a function that resigns or stops standing. */
export function standForElection(options: ElectionOptions): () => void {
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
    // It may have resigned right there; then there will be no more `abort` to wait for.
    if (stop.signal.aborted) return undefined;
    return new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  };
  Promise.resolve(locks.request(name, { signal: stop.signal }, hold)).catch(() => {
    // Refused to this page (an opaque origin), or we stopped standing.
    if (!stop.signal.aborted) fallBack = keepLease(options);
  });
  return () => {
    stop.abort();
    fallBack?.();
  };
}

function keepLease(options: ElectionOptions): () => void {
  const { name, onElected, onDeposed, timing = systemTiming } = options;
  const storage = options.storage === undefined ? findStorage() : options.storage;
  if (!storage) {
    onElected();
    return () => undefined;
  }
  const self = `${timing.now()}.${timing.random()}`;
  let isElected = false;
  let timer: unknown;
  let last = '';
  let changedAt = Number.NEGATIVE_INFINITY;
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
    // Whoever holds it changes it with each renewal. The times that tabs believe in are not compared: the device's clock
    // may be set at any moment, and some of them began before that.
    const isFree = text === '' || now - changedAt > LEASE;
    const isOurs = text.startsWith(`${self} `) && !isFree;
    // A claim counts from the next look on: of two tabs that claim in one instant, only the last one finds its own.
    if (isOurs && !isElected) {
      isElected = true;
      onElected();
    } else if (isElected && !isOurs) {
      isElected = false;
      onDeposed();
    }
    // Where the storage is full or forbidden, nobody is elected here, and the feed polls.
    if (isOurs || isFree) writeText(storage, name, `${self} ${renewals++}`);
  }

  look();
  return () => {
    timing.clearTimeout(timer);
    if (isElected && readLease().startsWith(`${self} `)) writeText(storage, name, '');
  };
}
