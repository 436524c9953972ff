// The Chromium that browser tests, `npm run pictures` and the bench use. Not part of the stack.
import { findOnPath, isExecutable } from '../../cli/parts/find.ts';
import type { SystemPart } from '../../cli/parts/system-packages.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const MACOS_APPS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Flags for a headless Chromium. With them it talks only to the servers whose pages it opens. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Path of a Chromium or Chrome: `INLOOP_CHROMIUM` if it is set, otherwise an installed one. Null if there is none. */
export function findChromium(): string | null {
  const wanted = process.env.INLOOP_CHROMIUM;
  if (wanted) return isExecutable(wanted) ? wanted : null;
  return findOnPath(NAMES) ?? MACOS_APPS.find(isExecutable) ?? null;
}

/** Chromium as a package of the system. */
export const CHROMIUM: SystemPart = {
  name: 'Chromium',
  packages: {
    'apt-get': ['chromium'],
    brew: ['--cask', 'chromium'],
    dnf: ['chromium'],
    yum: ['chromium'],
    apk: ['chromium'],
    pacman: ['chromium'],
  },
  find: findChromium,
};
