// docs/dependencies.md names the packages of package.json with their licences, and answers advisories for the locked versions.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../../dev/paths.ts';
import { installCommands, SOKETI_OVERRIDES } from '../../soketi/find-soketi.ts';

const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');
const text = read('docs/dependencies.md');
const manifest = JSON.parse(read('package.json')) as {
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  overrides: Record<string, unknown>;
};
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { version: string }> };

/** The rows of the table below a heading, each as its cells. */
function rowsOf(heading: string): string[][] {
  const part = text.split(/^## /m).find((section) => section.startsWith(heading)) ?? '';
  const rows = part.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

const namesIn = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

function licenceOf(name: string): string {
  return (JSON.parse(read(`node_modules/${name}/package.json`)) as { license: string }).license;
}

describe('docs/dependencies.md', () => {
  it.each([
    ['Installed with inloop', Object.keys(manifest.dependencies)],
    ['Installed by you', Object.keys(manifest.peerDependencies)],
    [
      'For development only',
      Object.keys(manifest.devDependencies).filter((name) => !(name in manifest.peerDependencies)),
    ],
  ])('names every package under "%s", with its licence, and no other', (heading, expected) => {
    const rows = rowsOf(heading);
    expect(rows.flatMap(([names]) => namesIn(names)).sort()).toEqual([...expected].sort());
    for (const [names, licences = ''] of rows) {
      const found = new Set(namesIn(names).map(licenceOf));
      expect([names, licences.split(', ').sort()]).toEqual([names, [...found].sort()]);
    }
  });

  it('says why each published package is there, and when it goes', () => {
    for (const heading of ['Installed with inloop', 'Installed by you']) {
      for (const row of rowsOf(heading)) expect(row.filter((cell) => cell !== '')).toHaveLength(4);
    }
  });

  it('answers advisories for the versions that are locked', () => {
    const rows = rowsOf('Known advisories');
    expect(rows.length).toBeGreaterThan(20);
    for (const [names, locked] of rows) {
      const [name = ''] = namesIn(names);
      const versions = Object.entries(packages).filter(([path]) => path.endsWith(`node_modules/${name}`));
      const found = [...new Set(versions.map(([, { version }]) => version))];
      expect([name, locked]).toEqual([name, found.sort(byVersion).join(', ')]);
    }
  });
});

it('package.json has the overrides that docs/soketi.md tells adopters to have', () => {
  expect(manifest.overrides).toMatchObject(SOKETI_OVERRIDES);
  expect(read('docs/soketi.md')).toContain(installCommands());
});

it('an audit can be run by those who reach the registry, and no published package runs a script when it is installed', () => {
  expect(read('package.json')).toContain('"audit": "npm audit --omit=dev"');
  for (const name of Object.keys(manifest.dependencies)) {
    const { scripts = {} } = JSON.parse(read(`node_modules/${name}/package.json`)) as { scripts?: object };
    expect([name, Object.keys(scripts).filter((script) => /^(pre|post)?install$/.test(script))]).toEqual([name, []]);
    expect([name, existsSync(join(REPOSITORY, 'node_modules', name, 'binding.gyp'))]).toEqual([name, false]);
  }
});

function byVersion(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
