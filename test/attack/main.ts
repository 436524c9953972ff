// `npm run attack`: every kind of attack, one after the other, against the real parts on loopback. Exit code 1 if an attempt
// succeeded, or a kind could not be tried.
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Tally } from './kind.ts';
import { KINDS } from './kinds/index.ts';
import { startWorld } from './world.ts';

/** Longest time for one kind, in ms. */
const LIMIT_MS = 40_000;
/** Longest time for all kinds, in ms. A kind that starts later gets no time, which counts as a failure. */
const LIMIT_IN_ALL_MS = 155_000;

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false }, only: { type: 'string' } } });
const kinds = KINDS.filter(({ name }) => values.only === undefined || name.includes(values.only));
if (kinds.length === 0) {
  console.error(`npm run attack -- [--short] [--only TEXT]\nThere is no kind with "${values.only}" in its name:`);
  for (const { name } of KINDS) console.error(`  ${name}`);
  process.exit(2);
}

const started = performance.now();
const world = await startWorld(values.short);
const rows: { readonly name: string; readonly tally: Tally; readonly ms: number; readonly fault: string | null }[] = [];
try {
  for (const kind of kinds) {
    const tally = new Tally();
    const begun = performance.now();
    const left = Math.min(LIMIT_MS, LIMIT_IN_ALL_MS - (begun - started));
    const fault = await withLimit(kind.run(world, tally), left);
    rows.push({ name: kind.name, tally, ms: performance.now() - begun, fault });
    console.log(`${kind.name}: ${tally.attempts} tried, ${tally.through} through${fault === null ? '' : `, ${fault}`}`);
    if (tally.through > 0) console.log(`  through means: ${kind.success}; then one has ${kind.why}`);
    for (const example of tally.examples) console.log(`  ${example}`);
  }
} finally {
  await world.close();
}

const width = Math.max(...rows.map(({ name }) => name.length));
console.log(`\n${'kind'.padEnd(width)}  attempts  through  seconds`);
for (const { name, tally, ms } of rows) {
  const cells = [
    String(tally.attempts).padStart(8),
    String(tally.through).padStart(7),
    (ms / 1_000).toFixed(1).padStart(7),
  ];
  console.log(`${name.padEnd(width)}  ${cells.join('  ')}`);
}
const attempts = rows.reduce((sum, { tally }) => sum + tally.attempts, 0);
const through = rows.reduce((sum, { tally }) => sum + tally.through, 0);
const faults = rows.filter(({ tally, fault }) => fault !== null || tally.attempts === 0);
const seconds = Math.round((performance.now() - started) / 1_000);
console.log(
  `\n${attempts} attempts of ${rows.length} kinds in ${seconds} s: ${through} through, ${faults.length} kinds not tried to their end`,
);
console.log(through + faults.length === 0 ? 'attack: green' : 'attack: red');
process.exit(through + faults.length === 0 ? 0 : 1);

/** Runs with a time limit. Resolves with what went wrong, or null. */
async function withLimit(run: Promise<void>, ms: number): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`it was not over after ${Math.round(ms / 1_000)} s`), Math.max(ms, 0));
  });
  const done = run.then(
    () => null,
    (error: unknown) => `it failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  const fault = await Promise.race([done, limit]);
  clearTimeout(timer);
  // A kind that still runs would disturb the next one.
  if (fault !== null) await Promise.race([done, pause(5_000)]);
  return fault;
}
