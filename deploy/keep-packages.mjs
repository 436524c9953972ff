// Removes from node_modules all packages but the given ones and what they need. For deploy/Dockerfile: an image has only what it
// runs, in the versions that package-lock.json names, whether package.json lists a package for development or not.
// `node keep-packages.mjs express zod`, in the folder of package.json.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const { dependencies, devDependencies, peerDependencies: _, peerDependenciesMeta: __, ...rest } = manifest;
const known = { ...devDependencies, ...dependencies };
const kept = process.argv.slice(2).map((name) => {
  if (!(name in known)) throw new Error(`package.json has no package ${name}. Correct the list in deploy/Dockerfile.`);
  return [name, known[name]];
});
writeFileSync('package.json', JSON.stringify({ ...rest, dependencies: Object.fromEntries(kept) }, null, 2));
execFileSync('npm', ['prune', '--ignore-scripts', '--no-audit', '--no-fund', '--offline'], { stdio: 'inherit' });
