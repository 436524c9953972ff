// `npm run docs`: writes the documentation as a static site to dist/site/, or to the folder that is given.
import { join, resolve } from 'node:path';
import { prepare } from './setup/bootstrap.mjs';
import { fail, root } from './setup/command.mjs';

await prepare();
// Imported only now, because it needs an npm package.
const { buildSite } = await import('./site/build-site.mjs');
const [folder = join(root, 'dist', 'site')] = process.argv.slice(2);
if (!(await buildSite(resolve(folder)))) fail('The documentation is not complete; the lines above say what to mend.');
console.log(`inloop: the documentation is in ${resolve(folder)}. Open index.html there in a browser.`);
