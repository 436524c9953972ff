// `npm start`: the whole local stack, on a fresh clone too. Prepares and builds, then hands over to run-stack.ts.
import { build, prepare } from './setup/bootstrap.mjs';

await prepare();
await build();
// A variable, because the file does not exist before the build and the type checker must not look for it.
const main = '../dist/dev/stack/run-stack.js';
await import(main);
