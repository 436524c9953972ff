/** For tests in a browser: stands in for the package `pusher-js`. The test controls it through the global `FakePusher`. */

import { FakePusher } from './fake-pusher.ts';

(globalThis as unknown as { FakePusher: typeof FakePusher }).FakePusher = FakePusher;

export default FakePusher;
