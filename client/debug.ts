/**
 * Writes to the browser's console what the client dropped, refused or ignored, and why. For a page that does not show what
 * one expects. Off unless `localStorage.inloopDebug = '1'` was set before the page was loaded. It writes with
 * `console.debug`, which most consoles show only at the level "Verbose".
 */

/** Whether debugging is on; false where the storage is blocked. Reads the storage each time, so keep the answer. */
export function isDebugging(): boolean {
  try {
    return localStorage.inloopDebug === '1';
  } catch {
    return false;
  }
}

let isOn: boolean | undefined;

/** Writes `what` and the values `about` to the console, if debugging is on. */
export function debug(what: string, ...about: readonly unknown[]): void {
  isOn ??= isDebugging();
  if (isOn) console.debug(`inloop: ${what}`, ...about);
}
