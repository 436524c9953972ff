// Loads every entry by `import` and by `require`, and checks that both give one copy. Run in an adopter's folder.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const here = pathToFileURL(join(process.cwd(), 'any.js')).href;
const require = createRequire(here);
const { exports } = require('inloop/package.json');
for (const path of Object.keys(exports)) {
  if (path.endsWith('.json')) continue;
  const entry = path.replace('.', 'inloop');
  const required = require(entry);
  const imported = await import(import.meta.resolve(entry, here));
  const names = Object.keys(required);
  const isSame = names.every((name) => required[name] === imported[name]);
  console.log(`${entry} ${names.length > 0 && isSame ? 'ok' : 'differs'}`);
}
