// What `npm test` runs once everything is built: Jest, with Redis, Soketi and Chromium for real. Its last line is
// `N passed, N failed`, for scripts. Arguments go to Jest: `npm test -- worker -t retries`.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJsonFile } from './json-file.ts';
import { REPOSITORY } from './paths.ts';
import { runMain } from './problem.ts';
import { findChromium } from './setup/chromium.ts';
import { requireNode20 } from './setup/node20.ts';
import { requireSystemPart } from './setup/system-packages.ts';
import { findRedisServer } from './stack/redis.ts';

/** The part of Jest's own report that is used here. */
interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  /** Test files that could not be run at all; their tests are in no other count. */
  numRuntimeErrorTestSuites: number;
}

async function main(): Promise<void> {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    INLOOP_TEST_REDIS_SERVER: await requireSystemPart('Redis', findRedisServer),
    // For stacks that tests start through dev/start.mjs.
    INLOOP_BUILT: '1',
    INLOOP_CHROMIUM: await requireSystemPart('Chromium', findChromium),
  };
  await requireNode20();
  const folder = mkdtempSync(join(tmpdir(), 'inloop-jest-'));
  const reportFile = join(folder, 'report.json');
  const code = await runJest(['--json', `--outputFile=${reportFile}`, ...process.argv.slice(2)], env);
  const report = readJsonFile<JestReport>(reportFile);
  rmSync(folder, { recursive: true, force: true });
  const failed = report === null ? 1 : report.numFailedTests + report.numRuntimeErrorTestSuites;
  console.log(`${report?.numPassedTests ?? 0} passed, ${failed} failed`);
  process.exitCode = code;
}

function runJest(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const jest = join(REPOSITORY, 'node_modules', 'jest', 'bin', 'jest.js');
  return new Promise((resolve) => {
    // Its human summary goes to standard error; standard output would be the report, which has gone to the file.
    const child = spawn(process.execPath, [jest, ...args], {
      cwd: REPOSITORY,
      env,
      stdio: ['inherit', 'ignore', 'inherit'],
    });
    const end = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    process.once('SIGTERM', end).once('SIGINT', end);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

runMain(main);
