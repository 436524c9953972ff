// `npm run load`: how much load one server, one worker and one Soketi carry, with a real Redis. It takes about 10 minutes.
// - without arguments: runs every part, and writes docs/capacity.md
// - `-- connections memory`: runs the named parts, and writes the page with their new figures
// - `-- --quick`: runs with small numbers, and writes nothing
// - `-- --pages`: measures nothing, and writes the sections again from the figures that are kept
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY } from '../../dev/paths.ts';
import { Keeper } from '../pages/kept.ts';
import { targetTable } from '../pages/performance.ts';
import type { Part } from '../part.ts';
import { BenchProcess } from '../processes/bench-process.ts';
import { startServices, stopAllServices } from '../services.ts';
import { describeEnvironment } from './machine-limits.ts';
import { modelSection } from './model-section.ts';
import { replaceSection } from './page.ts';
import { LOAD_PARTS } from './parts/index.ts';

/** A part that takes longer than this has failed. */
const MAX_PART_MS = 240_000;
const PAGE = join(REPOSITORY, 'docs', 'capacity.md');

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, pages: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const names = LOAD_PARTS.map(({ name }) => name);
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`load: there is no part named ${unknown}. npm run load -- [--quick] [--pages] [${names.join(' | ')}]`);
  process.exit(2);
}
const keeper = new Keeper(values.quick && !values.pages, 'load', describeEnvironment);
const parts = LOAD_PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const began = performance.now();
const failures: string[] = [];

process.once('SIGINT', endEarly).once('SIGTERM', endEarly);
if (!values.pages) for (const part of parts) await run(part);
if (!values.quick || values.pages) writePage();
for (const failure of failures) console.error(`load: ${failure}`);
process.exit(failures.length > 0 ? 1 : 0);

/** Measures one part, with a Redis and a Soketi of its own. A part that fails does not stop the others. */
async function run(part: Part<unknown>): Promise<void> {
  const log = (line: string) => console.log(`${elapsed()}  ${part.name}: ${line}`);
  const services = await startServices();
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    const fail = () => reject(new Error(`it took longer than ${MAX_PART_MS / 1_000} s`));
    timer = setTimeout(fail, MAX_PART_MS);
  });
  try {
    keeper.keep(part.name, await Promise.race([part.measure({ services, quick: values.quick, log }), tooLong]));
    const { text, targets } = part.report(keeper.read(part.name)?.raw);
    console.log(`\n${part.title}\n\n${text}\n`);
    if (targets.length > 0) console.log(`${targetTable(targets)}\n`);
    failures.push(
      ...targets
        .filter(({ isMet }) => !isMet)
        .map(({ what, measured, wanted }) => `${what} is ${measured}, wanted ${wanted}`),
    );
  } catch (error) {
    failures.push(`${part.name} failed: ${error instanceof Error ? error.message : String(error)}`);
    log(failures.at(-1) ?? '');
  } finally {
    clearTimeout(timer);
    BenchProcess.killAll();
    await services.stop();
  }
}

/** Writes the section of each part whose figures are kept. Writes the model, too, once the figures that it needs are kept. */
function writePage(): void {
  let page = readFileSync(PAGE, 'utf8');
  for (const part of LOAD_PARTS) {
    const kept = keeper.read(part.name);
    if (kept === null) continue;
    page = replaceSection(
      page,
      part.name,
      `Measured on ${kept.day}: ${kept.machine}.\n\n${part.report(kept.raw).text}`,
    );
  }
  const model = modelSection(keeper);
  if (model !== null) page = replaceSection(page, 'model', model);
  writeFileSync(PAGE, page);
  console.log(`${elapsed()}  wrote docs/capacity.md`);
}

function elapsed(): string {
  return `${String(Math.round((performance.now() - began) / 1_000)).padStart(4)} s`;
}

/** Ends on SIGINT or SIGTERM, with the exit code that shells use for SIGINT: 128 + 2. */
function endEarly(): void {
  BenchProcess.killAll();
  void stopAllServices().finally(() => process.exit(130));
}
