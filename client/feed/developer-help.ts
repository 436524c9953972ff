/**
 * What the console tells developers about a feed: what the state machine does, and mistakes in how the page is set up. Both
 * are in `explain.ts`, which is loaded only when it has something to say, so that other pages do not download it.
 */

import { isDebugging } from '../debug.ts';
import { MISTAKE_AFTER } from './limits.ts';
import type { CheckedOptions } from './options.ts';
import type { Shown } from './shown.ts';

const load = () => import('./explain.ts');

/** Loads `explain.ts` while debugging is on; undefined while it is off. */
export function loadExplanation(): ReturnType<typeof load> | undefined {
  return isDebugging() ? load() : undefined;
}

/** Warns on the console of a mistake in how the page is set up, if push is not up in time. Usually there is none. */
export function warnOfMistake(options: CheckedOptions, shown: Shown): void {
  if (!globalThis.document) return;
  /** False once push was up, or the feed is closed. */
  let isWanted = true;
  shown.subscribe(() => {
    if (/live|closed/.test(shown.get().connection.status)) isWanted = false;
  });
  setTimeout(() => {
    if (!isWanted) return;
    load().then(
      (it) => it.findMistake(options, () => isWanted, shown),
      // If the part cannot be loaded, there is nothing to say.
      () => {},
    );
  }, MISTAKE_AFTER);
}
