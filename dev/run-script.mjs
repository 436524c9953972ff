// Runs a TypeScript script of this repository: `node dev/run-script.mjs test/chaos/main.ts --seconds 30`. For the commands in
// package.json that are such a script, like `npm run chaos` and `npm run release`.
import { prepare } from './setup/bootstrap.mjs';
import { fail } from './setup/command.mjs';

const [entry, ...args] = process.argv.slice(2);
if (!entry) fail('Which script? For example: node dev/run-script.mjs test/chaos/main.ts');

await prepare();
// Imported only now, because it needs an npm package.
const { runSource } = await import('./setup/run-source.mjs');
process.exitCode = await runSource(entry, args);
