// A headless Chromium for end-to-end tests. It makes no requests of its own, only those of the pages.
import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM_FLAGS, findChromium } from '../../../dev/setup/chromium.ts';

/** Starts a Chromium with an empty profile. `flags` are added to its command line. Close it in `afterAll`. */
export function launchChromium({ flags = [] }: { flags?: string[] } = {}): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) {
    throw new Error('These tests need Chromium. Run "npm test", which brings it, or set INLOOP_CHROMIUM to its path.');
  }
  return chromium.launch({ executablePath, headless: true, args: [...CHROMIUM_FLAGS, ...flags] });
}
