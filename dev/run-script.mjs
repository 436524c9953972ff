// Runs a TypeScript script: `node dev/run-script.mjs test/chaos/main.ts --seconds 30`. For `npm run chaos` and
// `npm run attack`.
import { prepare } from './setup/bootstrap.mjs';
import { fail } from './setup/command.mjs';

const [entry, ...args] = process.argv.slice(2);
if (!entry) fail('Which script? For example: node dev/run-script.mjs test/chaos/main.ts');

await prepare();
// Imported only now, because it needs an npm package.
const { runSource } = await import('./setup/run-source.mjs');
process.exitCode = await runSource(entry, args);
