// A headless Chromium for end-to-end tests, kept from talking to anything but the test's own servers.
import { type Browser, chromium } from 'playwright-core';
import { findChromium } from '../../dev/chromium.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a Chromium with an empty profile. `flags` are added to its command line. Close it in `afterAll`. */
export function launchChromium({ flags = [] }: { flags?: string[] } = {}): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) {
    throw new Error('These tests need Chromium. Run "npm test", which brings it, or set INLOOP_CHROMIUM to its path.');
  }
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...flags] });
}
