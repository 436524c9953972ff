// Removes from node_modules all packages but the given ones and those that they need, development packages too. The versions stay
// those of package-lock.json. For deploy/Dockerfile, so that an image has only what it runs.
// Usage, in the folder of package.json: node keep-packages.mjs express zod
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
