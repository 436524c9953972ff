// `npm run pictures`: takes the pictures of the documents again, from the real stack and the real pages.
import { build, prepare } from './setup/bootstrap.mjs';

await prepare();
await build();
// A variable, because the file does not exist before the build and the type checker must not look for it.
const main = '../dist/dev/pictures/take-pictures.js';
await import(main);
