// What `npm test` runs: provides what the chosen tests need and nothing else, then runs Jest. The last line of output is
// `N passed, N failed`, for scripts. With `--unit` it runs only unit tests. These need nothing but Node. Tests in test/integration,
// which use real sockets and wait, and in test/repository, which run compilers and linters, are no unit tests. All other arguments
// go to Jest, as in `npm test -- worker -t retries`.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CommandError, runMain } from '../../cli/command-error.ts';
import { REDIS } from '../../cli/parts/redis.ts';
import { requireSystemPart } from '../../cli/parts/system-packages.ts';
import { readJsonFile } from '../../cli/processes/json-file.ts';
import { REPOSITORY } from '../paths.ts';
import { CHROMIUM } from '../setup/chromium.ts';
import { NGINX } from '../setup/nginx.ts';
import { requireNode20 } from '../setup/node20.ts';
import { requireAll } from '../setup/require-all.ts';
import { type Need, readNeeds } from './needs.ts';

/** The part of Jest's own report that is used here. */
interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  /** Test files that could not be run at all. Their tests count neither as passed nor as failed. */
  numRuntimeErrorTestSuites: number;
}

/** Files that have no unit tests, even if they need nothing but Node. */
const NO_UNITS = /[\\/]test[\\/](integration|repository)[\\/]/;
const JEST = join(REPOSITORY, 'node_modules', 'jest', 'bin', 'jest.js');

async function main(folder: string): Promise<void> {
  const args = process.argv.slice(2).filter((arg) => arg !== '--unit');
  const isUnitOnly = process.argv.includes('--unit');
  const found = await listTests(args);
  const needs = await readNeeds(found);
  const chosen = isUnitOnly ? found.filter((file) => needs.get(file)?.size === 0 && !NO_UNITS.test(file)) : found;
  const needed = new Set(chosen.flatMap((file) => [...(needs.get(file) ?? [])]));
  console.log(`inloop: ${chosen.length} test files, which need ${[...needed].join(', ') || 'nothing but Node'}`);

  const env = { ...process.env, ...(await provide(needed)) };
  const reportFile = join(folder, 'report.json');
  const jestArgs = ['--json', `--outputFile=${reportFile}`, ...args];
  if (isUnitOnly) {
    env.INLOOP_CHOSEN_TESTS = join(folder, 'chosen.json');
    writeFileSync(env.INLOOP_CHOSEN_TESTS, JSON.stringify(chosen));
    // Unit tests depend neither on other processes nor on the clock, so they may keep every core busy.
    jestArgs.unshift(`--filter=${join(REPOSITORY, 'dev', 'tests', 'chosen-only.cjs')}`, '--maxWorkers=100%');
  }
  const code = await run([JEST, ...jestArgs], env);
  const report = readJsonFile<JestReport>(reportFile);
  const failed = report === null ? 1 : report.numFailedTests + report.numRuntimeErrorTestSuites;
  console.log(`${report?.numPassedTests ?? 0} passed, ${failed} failed`);
  process.exitCode = code;
}

/** The test files that Jest would run with these arguments; none if Jest does not understand the arguments. */
async function listTests(args: readonly string[]): Promise<string[]> {
  const jest = await promisify(execFile)(process.execPath, [JEST, '--listTests', '--json', ...args], {
    cwd: REPOSITORY,
    maxBuffer: 10_000_000,
  }).catch(() => null);
  return jest === null ? [] : JSON.parse(jest.stdout);
}

/** Installs, builds or finds what is needed. @returns the environment variables by which tests find it */
async function provide(needed: ReadonlySet<Need>): Promise<NodeJS.ProcessEnv> {
  const redis = async () => process.env.INLOOP_TEST_REDIS_SERVER || requireSystemPart(REDIS);
  const chromium = () => requireSystemPart(CHROMIUM);
  const found = await requireAll<Record<string, string>>({
    ...(needed.has('Redis') && { INLOOP_TEST_REDIS_SERVER: redis }),
    ...(needed.has('Chromium') && { INLOOP_CHROMIUM: chromium }),
    ...(needed.has('Soketi') && { node20: requireNode20 }),
    ...(needed.has('nginx') && { nginx: () => requireSystemPart(NGINX) }),
  });
  // Tests find Node 20 and nginx by themselves, so these need no variable.
  const { node20: _node20, nginx: _nginx, ...env }: NodeJS.ProcessEnv = found;
  if (needed.has('dist')) {
    const code = await run([join(REPOSITORY, 'dev', 'build.mjs')], process.env);
    if (code !== 0) throw new CommandError('The build failed; the lines above say where.');
    // Tests start stacks with dev/start.mjs, which must not build again.
    env.INLOOP_BUILT = '1';
  }
  return env;
}

/** Runs a script with this Node, and passes SIGTERM and SIGINT on to it. @returns its exit code; 1 after a signal */
function run(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    // With `--json` Jest writes JSON to standard output, which nobody reads. What people read is on standard error.
    const child = spawn(process.execPath, args, { cwd: REPOSITORY, env, stdio: ['inherit', 'ignore', 'inherit'] });
    const end = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    process.once('SIGTERM', end).once('SIGINT', end);
    child.once('close', (code) => {
      process.off('SIGTERM', end).off('SIGINT', end);
      resolve(code ?? 1);
    });
  });
}

runMain(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'inloop-jest-'));
  try {
    await main(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
