// package-lock.json works on every platform and with any registry.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';

interface LockedPackage {
  version?: string;
  optionalDependencies?: Record<string, string>;
}

const text = readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8');
const { packages } = JSON.parse(text) as { packages: Record<string, LockedPackage> };

/** Whether a package that `from` depends on is in the lock file where Node looks for it: in `from`, or further up. */
function isLocked(name: string, from: string): boolean {
  const parents = from.split(/(?:^|\/)node_modules\//).slice(1);
  for (let depth = parents.length; depth >= 0; depth--) {
    const path = [...parents.slice(0, depth), name].map((part) => `node_modules/${part}`).join('/');
    if (packages[path]) return true;
  }
  return false;
}

describe('package-lock.json', () => {
  it('has the packages of every platform, so that "npm ci" works on all of them', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !isLocked(name, path))
        .map((name) => `${name}, wanted by ${path || 'the root'}`),
    );
    expect(missing).toEqual([]);
  });

  it('carries no registry address', () => {
    expect(text).not.toContain('"resolved"');
    expect(text).not.toMatch(/"https?:[^"]*\.tgz"/);
  });

  it('has an integrity hash for every package from the registry', () => {
    const without = Object.entries(packages).filter(([path, entry]) => path !== '' && !('integrity' in entry));
    expect(without.map(([path]) => path)).toEqual([]);
  });
});
