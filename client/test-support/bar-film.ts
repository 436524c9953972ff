/**
 * For tests in Chromium: looks at the bars of a tray frame by frame, as a user sees them, and at what moving them costs.
 */

import type { Locator, Page } from 'playwright-core';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { OpenOptions, TrayPages } from '../../test/support/browser/tray-page.ts';

/** What a test does with a page: opens a tray in it, films its first bar, watches its scripts. */
export function filmBars(pages: TrayPages) {
  let page: Page;

  async function openAll(tasks: readonly Snapshot[], options?: OpenOptions): Promise<Locator> {
    const tray = await pages.open(tasks, options);
    page = pages.page;
    await tray.locator('[part=button]').click();
    await tray.locator('[part=fill]').first().waitFor();
    return tray;
  }

  /** How full the bar is on each frame of the next `ms`, from 0 to 1. */
  function film(ms: number): Promise<number[]> {
    return page.evaluate(async (length) => {
      const tray = document.querySelector('inloop-tray') as HTMLElement;
      const fill = tray.shadowRoot?.querySelector('[part=fill]') as HTMLElement;
      const frames: number[] = [];
      const end = performance.now() + length;
      while (performance.now() < end) {
        frames.push(new DOMMatrix(getComputedStyle(fill).transform).a);
        await new Promise(requestAnimationFrame);
      }
      return frames;
    }, ms);
  }

  /** What the page does in the next `ms`: frames asked for by scripts, and changes of the tray by kind. */
  const watch = (ms: number) =>
    page.evaluate(async (length) => {
      const root = document.querySelector('inloop-tray')?.shadowRoot as ShadowRoot;
      let frames = 0;
      const ask = window.requestAnimationFrame;
      window.requestAnimationFrame = (callback) => {
        frames++;
        return ask(callback);
      };
      const changes: string[] = [];
      const observer = new MutationObserver((all) => {
        changes.push(...all.map(({ type, attributeName }) => attributeName ?? type));
      });
      observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
      await new Promise((resolve) => setTimeout(resolve, length));
      observer.disconnect();
      window.requestAnimationFrame = ask;
      return { frames, changes };
    }, ms);

  return {
    pages,
    open: (task: Snapshot, options?: OpenOptions) => openAll([task], options),
    openAll,
    film,
    watch,
    /** One more tab, which is filmed and watched from now on. */
    async openTab() {
      page = await pages.openTab();
      return page;
    },
  };
}

/** How full the bar is on the last of the frames. */
export const last = (frames: readonly number[]) => frames.at(-1) as number;
/** Whether no frame shows less than the one before, but for rounding. */
export const neverGoesBack = (frames: readonly number[]) =>
  frames.every((share, index) => index === 0 || share >= (frames[index - 1] as number) - 0.0005);
/** In what share of the frames the bar moved, from 0 to 1. */
export const movedIn = (frames: readonly number[]) =>
  frames.filter((share, index) => index > 0 && share > (frames[index - 1] as number)).length / (frames.length - 1);

/** How many animations run in the element. */
export const animationsIn = (locator: Locator) =>
  locator.evaluate(
    (element) => element.getAnimations({ subtree: true }).filter(({ playState }) => playState === 'running').length,
  );
