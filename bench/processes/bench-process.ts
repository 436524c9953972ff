// Child processes of the bench, and calls from the parent to them.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { REPOSITORY } from '../../dev/paths.ts';

/** The calls that a child answers. Each takes one JSON argument and returns one JSON result. */
export type Calls = Readonly<Record<string, (argument: never) => unknown>>;

/** A call, as the parent sends it. */
interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** The answer of the child: a result or an error. The one with the id 0 answers no call: it says that the child has started. */
interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

// In a child: exit when the parent is gone, since nobody else would end this process.
process.on('disconnect', () => process.exit(1));

/** In the child: answers calls until it is told to stop or the parent is gone. When it is told to stop, it runs `stop` and exits. */
export function answerCalls(calls: Calls, stop: () => Promise<void>): void {
  // Ctrl-C reaches parent and children alike. Children ignore it, because the parent ends them in the right order.
  process.on('SIGINT', () => undefined);
  process.on('message', async ({ id, name, argument }: Question) => {
    const reply = (answer: Omit<Answer, 'id'>) =>
      new Promise<void>((resolve) => process.send?.({ id, ...answer }, undefined, {}, () => resolve()));
    try {
      const call = name === 'stop' ? stop : calls[name];
      if (!call) throw new Error(`There is no call named ${name}.`);
      await reply({ result: await call(argument as never) });
    } catch (error) {
      await reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    if (name === 'stop') process.exit(0);
  });
  process.send?.({ id: 0 });
}

/** How a process is started. */
export interface ProcessOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** The folder in which the process writes a CPU profile when it ends. */
  readonly profileFolder?: string | undefined;
}

/** A child process, for its parent. */
export class BenchProcess {
  static readonly #all = new Set<BenchProcess>();
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #questions = 0;

  private constructor(child: ChildProcess, name: string) {
    this.#child = child;
    child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(`${name}: ${error}`));
    });
    BenchProcess.#all.add(this);
    child.on('exit', (code, signal) => {
      BenchProcess.#all.delete(this);
      for (const { reject } of this.#waiting.values()) reject(new Error(`${name} ended (${signal ?? code})`));
      this.#waiting.clear();
    });
  }

  /** Starts `processes/<name>.js` of the compiled bench; resolves once it answers. */
  static async start(name: string, { env, args = [], profileFolder }: ProcessOptions): Promise<BenchProcess> {
    const child = fork(join(REPOSITORY, 'dist', 'bench', 'processes', `${name}.js`), args, {
      cwd: REPOSITORY,
      env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
      execArgv: profileFolder
        ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`, `--cpu-prof-name=${name}.cpuprofile`]
        : [],
    });
    const started = new BenchProcess(child, name);
    await new Promise((resolve, reject) => started.#waiting.set(0, { resolve, reject }));
    return started;
  }

  /** Kills all children that are running. For parts that have failed or took too long. */
  static killAll(): void {
    for (const process of BenchProcess.#all) process.#child.kill('SIGKILL');
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Calls the child. @returns its answer. Rejects if the call throws there, or if the child ends before it answers */
  async call<Result = void>(name: string, argument?: unknown): Promise<Result> {
    const id = ++this.#questions;
    const answered = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.send({ id, name, argument });
    return (await answered) as Result;
  }

  /** Asks the process to end; kills it after 10 s. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.#child, 'exit');
    const killTimer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await this.call('stop').catch(() => undefined);
    await exited;
    clearTimeout(killTimer);
  }
}
