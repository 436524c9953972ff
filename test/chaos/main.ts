// `npm run chaos`: one run. With --break it runs once for each guard, with that guard removed, and each run must fail.
import { parseArgs } from 'node:util';
import { bundleScript, startScript } from '../support/processes/script-process.ts';
import { GUARDS } from './guards.ts';
import { MUST_BE_ZERO } from './report.ts';
import { runChaos } from './run.ts';

const USAGE = `npm run chaos -- [--seconds 200] [--tasks 300] [--seed N] [--break all|${Object.keys(GUARDS).join('|')}]`;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '200' },
    tasks: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    break: { type: 'string' },
    // Set by a run with --break for the bundle that it starts, from which the guard is removed already.
    broken: { type: 'string' },
  },
});
const numbers = [values.seconds, values.tasks, values.seed].map(Number);
const [seconds = 0, tasks = 0, seed = 0] = numbers;
if (numbers.some((number) => !Number.isInteger(number) || number < 1))
  fail('seconds, tasks and seed are whole numbers from 1.');

if (values.break !== undefined) {
  const names = values.break === 'all' ? Object.keys(GUARDS) : [values.break];
  if (names.some((name) => !(name in GUARDS))) fail(`There is no guard named ${values.break}.`);
  const verdicts: [string, string][] = [];
  for (const name of names) verdicts.push([name, await runBroken(name)]);
  console.log('\nguards taken out, one at a time');
  for (const [name, verdict] of verdicts) console.log(`  ${name.padEnd(36)} ${verdict}`);
  process.exit(verdicts.every(([, verdict]) => verdict.startsWith('red')) ? 0 : 1);
}

const report = await runChaos({
  seed,
  seconds,
  tasks,
  mutations: values.broken ? (GUARDS[values.broken]?.mutations ?? []) : [],
  log: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
});
const list = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
const rows: readonly (readonly [string, string | number])[] = [
  ['what was done', list(report.faults)],
  ['messages', list(report.messages)],
  ['accepted', report.accepted],
  ['outcomes', list(report.outcomes)],
  ['told to their owners', report.told],
  ['told twice', report.toldTwice],
  ['lost', report.lost],
  ['left running', report.leftRunning],
  ['progress that went back', report.wentBack],
  ['100 % before an outcome', report.completeTooEarly],
  ['events to the wrong user', report.toWrongUser],
  ['families that are wrong', report.wrongFamilies],
  ['one key, side by side', report.sideBySide],
  ['resumed from a checkpoint', report.resumed],
  ['checkpoints lost', report.lostCheckpoints],
  ['hooks lost', report.lostHooks],
  ['hooks again, killed midway', report.hooksAgain],
  ['hooks twice, not killed', report.hooksTwice],
  ['keys left in Redis', report.leftKeys],
];
console.log('');
for (const [name, value] of rows) console.log(`  ${name.padEnd(26)} ${value}`);
for (const example of report.examples.slice(0, 20)) console.log(`    ${example}`);
const isRed = MUST_BE_ZERO.some((name) => report[name] > 0) || report.accepted !== tasks;
console.log(isRed ? `chaos: red (seed ${seed})` : `chaos: green (seed ${seed})`);
process.exit(isRed ? 1 : 0);

/** Runs this script again with a guard removed from all of its code; says whether that run failed as it must. */
async function runBroken(name: string): Promise<string> {
  console.log(`\nwithout ${name}, which keeps ${GUARDS[name]?.keeps}`);
  const bundle = await bundleScript('test/chaos/main.ts', GUARDS[name]?.mutations ?? []);
  try {
    const args = ['--seconds', String(seconds), '--tasks', String(tasks), '--seed', String(seed), '--broken', name];
    const run = await startScript(bundle, {}, 'chaos: ', args);
    await run.exited;
    console.log(run.output().split('\n').slice(-30).join('\n'));
    if (run.output().includes('chaos: red')) return 'red, as it must be';
    return run.output().includes('chaos: green') ? 'GREEN: nobody noticed' : 'BROKEN: it did not end';
  } finally {
    bundle.remove();
  }
}

function fail(why: string): never {
  console.error(`chaos: ${why}\n${USAGE}`);
  process.exit(2);
}
