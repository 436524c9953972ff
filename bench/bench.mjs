// `npm run bench` and `npm run load`: builds everything, then runs the script of the bench that the first argument names. Like the code
// that adopters run, the script is compiled.
import { join } from 'node:path';
import { build, prepare } from '../dev/setup/bootstrap.mjs';
import { fail, root, run } from '../dev/setup/command.mjs';

const [script = 'main.js', ...args] = process.argv.slice(2);
await prepare();
await build();
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
if ((await run(process.execPath, [tsc, '-b', 'bench'])) !== 0)
  fail('bench/ does not compile; the lines above say where.');
process.exitCode = await run(process.execPath, [join(root, 'dist', 'bench', ...script.split('/')), ...args]);
