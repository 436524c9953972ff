/** Loads `background-signals.ts` when the page (by an attribute) or the user first wants it. */

import { findStorage, NOTIFY_KEY, readText } from '../../storage.ts';
import type { Panel } from '../panel.ts';
import type { BackgroundSignals } from './background-signals.ts';

export interface BackgroundLoader {
  /** The signals; undefined until they are loaded. */
  signals(): BackgroundSignals | undefined;
  /** Begins to load the signals if the page or the user wants them. Returns them if they are loaded already. */
  load(): BackgroundSignals | undefined;
}

/**
 * @param host the tray, whose attributes say what the page wants
 * @param element the element of `panel`
 * @param onLoad called when the signals are loaded
 */
export function createBackgroundLoader(
  host: HTMLElement,
  element: HTMLElement,
  panel: Pick<Panel, 'isOpen' | 'show'>,
  onLoad: () => void,
): BackgroundLoader {
  let signals: BackgroundSignals | undefined;
  let isLoading = false;

  function isWanted(): boolean {
    return (
      panel.isOpen ||
      host.hasAttribute('title-progress') ||
      host.hasAttribute('favicon-progress') ||
      !!readText(findStorage(), NOTIFY_KEY)
    );
  }

  return {
    signals: () => signals,
    load() {
      if (!isLoading && isWanted()) {
        // Stays true where they cannot be loaded: tasks can be followed without them.
        isLoading = true;
        import('./background-signals.ts')
          .then(({ createBackgroundSignals }) => {
            signals = createBackgroundSignals(host, element, panel.show);
            onLoad();
          })
          .catch(() => {});
      }
      return signals;
    },
  };
}
