/** Loads the toasts with the first outcome, so that a page without outcomes does not download them. */

import type { News } from '../../headless/outcomes/present.ts';
import type { ToastStack, ToastStackOptions } from './toast-stack.ts';

export interface ToastLoader {
  /** The toasts; undefined until they are loaded. */
  stack(): ToastStack | undefined;
  /** Loads the toasts if necessary, and shows `news`. Does nothing where they cannot be loaded this time. Never rejects. */
  show(news: News): Promise<void>;
}

export interface ToastLoaderOptions extends ToastStackOptions {
  /** Whether the toasts may be shown: the tray is in the document, and its panel, which shows the same, is closed. */
  readonly isWanted: () => boolean;
  /** How long a toast is shown, in milliseconds. */
  readonly duration: () => number;
  /** Toasts were added. */
  readonly onAdded: () => void;
}

/** Loads nothing until `show` is called. */
export function createToastLoader(options: ToastLoaderOptions): ToastLoader {
  let stack: ToastStack | undefined;
  return {
    stack: () => stack,
    async show({ live, missed }) {
      if (!options.isWanted()) return;
      const loaded = await import('./toast-stack.ts').catch(() => undefined);
      // Asked again: in the meantime the tray may have been removed, or its panel opened.
      if (!loaded || !options.isWanted()) return;
      stack ??= loaded.createToastStack(options);
      stack.add(live, options.duration());
      stack.addMissed(missed);
      options.onAdded();
    },
  };
}
