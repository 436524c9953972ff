// `npm run bench`: measured comparisons on real parts. Everything, which takes about a quarter of an hour and writes
// docs/performance.md and docs/cost.md; or some parts (`-- w1 w3`), or a first look (`-- --quick`), on the screen only.
// What was measured is kept as JSON in .inloop/bench; `-- --pages` writes the pages again from it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY, stateFolder } from '../dev/paths.ts';
import { machine } from './pages/machine.ts';
import { performancePage, targetTable } from './pages/performance.ts';
import { PARTS } from './parts/index.ts';
import { startWorld } from './world.ts';

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, pages: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const names = PARTS.map(({ name }) => name);
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`bench: there is no part named ${unknown}. npm run bench -- [--quick] [--pages] [${names.join(' | ')}]`);
  process.exit(2);
}
const folder = join(stateFolder(), 'bench');
const fileOf = (name: string) => join(folder, `${name}${values.quick ? '.quick' : ''}.json`);
mkdirSync(folder, { recursive: true });

if (!values.pages) {
  const chosen = PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const world = await startWorld();
  const end = () => void world.stop().finally(() => process.exit(130));
  process.once('SIGINT', end).once('SIGTERM', end);
  const began = performance.now();
  try {
    for (const part of chosen) {
      const elapsed = () => `${String(Math.round((performance.now() - began) / 1_000)).padStart(4)} s`;
      const log = (line: string) => console.log(`${elapsed()}  ${part.name}: ${line}`);
      const raw = await part.measure({ world, quick: values.quick, log });
      writeFileSync(fileOf(part.name), JSON.stringify({ at: new Date().toISOString(), machine: machine(), raw }));
      // Read back, so that what is shown is what was kept.
      const report = part.report(readRaw(part.name));
      console.log(`\n${part.title}\n\n${report.text}\n${targetTable(report.targets)}\n`);
    }
  } finally {
    await world.stop();
  }
}
if (values.pages || (positionals.length === 0 && !values.quick)) {
  const docs = join(REPOSITORY, 'docs');
  writeFileSync(join(docs, 'performance.md'), performancePage(readRaw));
  console.log('bench: wrote docs/performance.md');
}

function readRaw(name: string): unknown {
  return JSON.parse(readFileSync(fileOf(name), 'utf8')).raw;
}
