/**
 * Says on the browser's console what the client dropped, refused or ignored, and why: for whoever wonders why a page does
 * not show what they expect. Off unless `localStorage.inloopDebug = '1'` was set before the page was loaded. What it says
 * is `console.debug`, which most consoles show only at the level "Verbose".
 */

/** Whether to say anything; false where the storage is blocked. Costs a look at the storage: remember the answer. */
export function isDebugging(): boolean {
  try {
    return localStorage.inloopDebug === '1';
  } catch {
    return false;
  }
}

let isOn: boolean | undefined;

/** Says `what`, and what it is about, where that is wanted. */
export function debug(what: string, ...about: readonly unknown[]): void {
  isOn ??= isDebugging();
  if (isOn) console.debug(`inloop: ${what}`, ...about);
}
