/** The storage that all tabs of an origin share. Everything that remembers something beyond the page looks it up here. */

/** The part of `localStorage` that inloop uses. */
export type SharedStorage = Pick<Storage, 'getItem' | 'setItem'>;

/** `localStorage`, or null where there is none or the browser refuses it (blocked cookies, an opaque origin). */
export function findStorage(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/** What `storage` holds under `key`, or null where it holds nothing or cannot be read. */
export function readText(storage: SharedStorage | null, key: string): string | null {
  try {
    return storage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

/** Stores `text` under `key`. Does nothing where the storage is full or forbidden. */
export function writeText(storage: SharedStorage | null, key: string, text: string): void {
  try {
    storage?.setItem(key, text);
  } catch {
    // The caller works without it: each says how.
  }
}
