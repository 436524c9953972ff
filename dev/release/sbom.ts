// The software bill of materials of a release: every package that is installed together with it. For release.ts.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

/** The parts of a CycloneDX document that are changed here. */
interface Bill {
  serialNumber?: string;
  metadata: { timestamp?: string; tools?: unknown; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

interface Component {
  'bom-ref': string;
  name: string;
  externalReferences?: { type: string }[];
}

/** Makes the bill of the package in `root` as CycloneDX: the packages of its lock file that it needs at run time. Asks no registry. */
export function makeBill(root: string): string {
  // npm runs in a folder with the dependencies only. In `root`, npm 11 refuses because an override changes a version (Soketi's
  // axios), and `--omit dev` would also leave out packages that are needed both in development and at run time.
  const folder = mkdtempSync(join(tmpdir(), 'inloop-sbom-'));
  try {
    const { name, version, license, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, license, dependencies }));
    copyFileSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'));
    run(folder, 'npm', ['install', '--package-lock-only', '--ignore-scripts', '--offline', '--no-audit', '--no-fund']);
    const printed = run(folder, 'npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only']);
    return cleanBill(printed, name);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Makes a bill reproducible: sorts it, and removes the serial number, the time, the version of npm and the addresses of a registry.
 *
 * @param text what `npm sbom --sbom-format cyclonedx` printed
 * @param name the name of the package. npm writes the name of the folder instead
 */
export function cleanBill(text: string, name: string): string {
  const bill = JSON.parse(text) as Bill;
  delete bill.serialNumber;
  delete bill.metadata.timestamp;
  delete bill.metadata.tools;
  bill.metadata.component.name = name;
  for (const component of [bill.metadata.component, ...bill.components]) {
    component.externalReferences = component.externalReferences?.filter(({ type }) => type !== 'distribution') ?? [];
  }
  bill.components.sort((a, b) => compare(a['bom-ref'], b['bom-ref']));
  bill.dependencies.sort((a, b) => compare(a.ref, b.ref));
  for (const { dependsOn } of bill.dependencies) dependsOn.sort(compare);
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
