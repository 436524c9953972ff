// `npm test` and `npm run test:unit`, on a fresh clone too: installs the npm packages, then hands over to run-tests.ts.
import { prepare } from './setup/bootstrap.mjs';

await prepare();
// Imported only now, because it needs an npm package.
const { runSource } = await import('./setup/run-source.mjs');
process.exitCode = await runSource('dev/tests/run-tests.ts', process.argv.slice(2));
