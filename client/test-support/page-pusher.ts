/** For tests in a browser: stands in for the package `pusher-js`, and lets the test lead it from outside. */

import { FakePusher } from './fake-pusher.ts';

(globalThis as unknown as { FakePusher: typeof FakePusher }).FakePusher = FakePusher;

export default FakePusher;
