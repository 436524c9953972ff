// `npm run bench`: measured comparisons with a real Redis, Soketi and Chromium.
// - without arguments: runs every part in about 20 minutes, and writes docs/performance.md and docs/cost.md
// - `-- no-work many-users`: runs the named parts, prints their figures and keeps them
// - `-- --quick`: takes fewer and shorter rounds, and prints the figures
// - `-- --pages`: measures nothing, and writes the two documents again from the figures that are kept
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY } from '../dev/paths.ts';
import { costPage } from './pages/cost.ts';
import { Keeper } from './pages/kept.ts';
import { performancePage, targetTable } from './pages/performance.ts';
import type { Part } from './part.ts';
import { PARTS } from './parts/index.ts';
import { startServices, stopAllServices } from './services.ts';

/** Parts that `--quick` leaves out unless they are named: they take long, or need a browser. */
const NOT_QUICK = ['outcome-delay', 'one-minute', 'growth', 'burst', 'returning-pages', 'profile', 'transports'];

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, pages: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const names = PARTS.map(({ name }) => name);
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(
    `bench: there is no part named ${unknown}. npm run bench -- [--quick] [--pages] [${names.join(' | ')}]`,
  );
  process.exit(2);
}
// No document is written from quick figures.
const keeper = new Keeper(values.quick && !values.pages);
const isWhole = positionals.length === 0;

if (!values.pages) {
  await measure(
    PARTS.filter(({ name }) => (isWhole ? !(values.quick && NOT_QUICK.includes(name)) : positionals.includes(name))),
  );
}
if (values.pages || (isWhole && !values.quick)) {
  const file = (name: string) => join(REPOSITORY, 'docs', name);
  const earlier = readFileSync(file('performance.md'), 'utf8');
  const pages = { 'performance.md': performancePage(keeper, earlier), 'cost.md': costPage(keeper) };
  for (const [name, text] of Object.entries(pages)) if (text !== null) writeFileSync(file(name), text);
  console.log(`bench: wrote docs/${Object.keys(pages).join(' and docs/')}`);
}

async function measure(parts: readonly Part<unknown>[]): Promise<void> {
  const services = await startServices();
  let isEnding = false;
  /** Ends on SIGINT or SIGTERM, with the exit code that shells use for SIGINT: 128 + 2. */
  const end = () => {
    isEnding = true;
    void stopAllServices().finally(() => process.exit(130));
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  const began = performance.now();
  const elapsed = () => `${String(Math.round((performance.now() - began) / 1_000)).padStart(4)} s`;
  try {
    for (const part of parts) {
      const log = (line: string) => console.log(`${elapsed()}  ${part.name}: ${line}`);
      keeper.keep(part.name, await part.measure({ services, quick: values.quick, log }));
      // The figures are read back from the file, so that the screen shows what the documents would show.
      const { text, targets } = part.report(keeper.read(part.name)?.raw);
      console.log(`\n${part.title}\n\n${text}\n`);
      if (targets.length > 0) console.log(`${targetTable(targets)}\n`);
    }
    console.log(`${elapsed()}  done`);
  } catch (error) {
    // After a signal the part has failed because its processes are ending. The error says nothing then, so wait until `end` exits.
    if (isEnding) await new Promise(() => undefined);
    throw error;
  } finally {
    await services.stop();
  }
}
