// `npm run bench`: measured comparisons on real parts. Everything, which takes about 20 minutes and writes
// docs/performance.md and docs/cost.md; or some parts (`-- w1 w3`), or a first look (`-- --quick`), on the screen only.
// `-- --pages` writes the pages again from what was measured last.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY } from '../dev/paths.ts';
import { costPage } from './pages/cost.ts';
import { Keeper } from './pages/kept.ts';
import { performancePage, targetTable } from './pages/performance.ts';
import type { Part } from './part.ts';
import { PARTS } from './parts/index.ts';
import { startWorld, stopWorlds } from './world.ts';

/** What a first look leaves out: what takes long, and what needs a browser. */
const NOT_QUICK = ['outcome', 'minute', 'growth', 'burst', 'comeback', 'profile', 'transports'];

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
const keeper = new Keeper(values.quick);
const isWhole = positionals.length === 0;

if (!values.pages) {
  await measure(
    PARTS.filter(({ name }) => (isWhole ? !(values.quick && NOT_QUICK.includes(name)) : positionals.includes(name))),
  );
}
if (values.pages || (isWhole && !values.quick)) {
  const pages = { 'performance.md': performancePage(keeper), 'cost.md': costPage(keeper) };
  for (const [name, text] of Object.entries(pages)) writeFileSync(join(REPOSITORY, 'docs', name), text);
  console.log(`bench: wrote docs/${Object.keys(pages).join(' and docs/')}`);
}

async function measure(parts: readonly Part<unknown>[]): Promise<void> {
  const world = await startWorld();
  let isEnding = false;
  const end = () => {
    isEnding = true;
    void stopWorlds().finally(() => process.exit(130));
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  const began = performance.now();
  const elapsed = () => `${String(Math.round((performance.now() - began) / 1_000)).padStart(4)} s`;
  try {
    for (const part of parts) {
      const log = (line: string) => console.log(`${elapsed()}  ${part.name}: ${line}`);
      keeper.keep(part.name, await part.measure({ world, quick: values.quick, log }));
      // Read back, so that what is shown is what was kept.
      const { text, targets } = part.report(keeper.read(part.name)?.raw);
      console.log(`\n${part.title}\n\n${text}\n`);
      if (targets.length > 0) console.log(`${targetTable(targets)}\n`);
    }
    console.log(`${elapsed()}  done`);
  } catch (error) {
    // What was under way when we were told to end fails, of course.
    if (isEnding) await new Promise(() => undefined);
    throw error;
  } finally {
    await world.stop();
  }
}
