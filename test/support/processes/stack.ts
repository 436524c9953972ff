// Starts the whole local stack as `npm start` does, on ports of its own, so that a developer's stack may run beside it. For
// end-to-end tests.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild, waitUntilReady } from '../../../cli/processes/child.ts';
import type { StackFile } from '../../../cli/processes/state-folder.ts';
import { REPOSITORY } from '../../../dev/paths.ts';

/** How to start a stack. */
export interface StackOptions {
  /** Added to the environment. */
  env?: NodeJS.ProcessEnv;
  /** State folder to use and keep; without it, a temporary one that is removed at `stop`. */
  dir?: string;
  /** Arguments of `npm start`, such as `--server other.mjs`. */
  args?: string[];
}

/** A running stack. */
export interface TestStack {
  /** The URL of the page. */
  readonly url: string;
  /** The state folder. */
  readonly dir: string;
  /** The id of the supervisor's process. */
  readonly pid: number;
  /** Its output so far. */
  readonly lines: readonly string[];
  /** The ports and process ids of the services, read from `stack.json` at each call. */
  services(): StackFile['services'];
  /** SIGTERM; resolves with how it ended (`exit code 0`) once everything has. */
  stop(): Promise<string>;
  /** SIGKILL to the supervisor alone. Its services go on. Resolves when the supervisor has ended. */
  kill(): Promise<void>;
}

/**
 * Starts a stack on free ports and waits for its ready line.
 *
 * @throws when it ends before that, or is not ready after two minutes (a build may be part of it)
 */
export async function startStack({ env = {}, dir, args = [] }: StackOptions = {}): Promise<TestStack> {
  const folder = dir ?? mkdtempSync(join(tmpdir(), 'inloop-stack-'));
  const lines: string[] = [];
  const child = await startChild(
    {
      file: process.execPath,
      args: [join(REPOSITORY, 'dev', 'start.mjs'), ...args],
      env: { ...process.env, PORT: '0', ...env, INLOOP_DIR: folder },
      cwd: REPOSITORY,
    },
    (line) => lines.push(line),
  );
  const readUrl = (): string | undefined => lines.find((line) => line.startsWith('ready '))?.slice('ready '.length);
  const removeFolder = (): void => {
    if (dir === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    await waitUntilReady('The stack', child, async () => readUrl() !== undefined, { deadlineMs: 120_000 });
  } catch (error) {
    await child.stop(30_000);
    removeFolder();
    throw new Error(`${(error as Error).message}\n${lines.join('\n')}`);
  }
  return {
    url: readUrl() as string,
    dir: folder,
    pid: child.pid,
    lines,
    services: () => (JSON.parse(readFileSync(join(folder, 'stack.json'), 'utf8')) as StackFile).services,
    async stop() {
      await child.stop(40_000);
      removeFolder();
      return child.end;
    },
    async kill() {
      child.signal('SIGKILL');
      await child.end;
    },
  };
}
