// `npm test`: every test, on a fresh clone too. Prepares and builds, then hands over to run-tests.ts.
import { build, prepare } from './setup/bootstrap.mjs';

await prepare();
await build();
// Not a literal: it does not exist before the build, and the type checker must not look for it.
const handOver = '../dist/dev/run-tests.js';
await import(handOver);
