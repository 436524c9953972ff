// Runs the server and the worker of the small application of adopter/ until a task has succeeded. For the tests of the package.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { NO_BUS } from '../support/parts.ts';

const PATIENCE_MS = 15_000;

export interface AdopterProcesses {
  /** The files to run. */
  readonly server: string;
  readonly worker: string;
  readonly redisUrl: string;
  /** Path of a Node. Default: this one. */
  readonly node?: string;
}

/** Starts a task through the server, and waits until the worker has done it. Ends both. @throws Error if it did not succeed */
export async function expectCounted(processes: AdopterProcesses): Promise<void> {
  const { status, result } = await countTo3(processes);
  const counted = JSON.stringify(result);
  if (status !== 'succeeded' || counted !== '{"counted":3}') throw new Error(`The task is ${status}, with ${counted}.`);
}

async function countTo3({ server, worker, redisUrl, node = process.execPath }: AdopterProcesses): Promise<{
  readonly status: string;
  readonly result: unknown;
}> {
  const start = (file: string) =>
    spawn(node, [file], {
      env: { PATH: process.env.PATH, REDIS_URL: redisUrl, ...NO_BUS },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const children = [start(server), start(worker)];
  try {
    const [port] = await Promise.all(children.map(readPort));
    const url = `http://127.0.0.1:${port}`;
    const headers = { 'x-user': 'ada' };
    const accepted = await fetch(`${url}/counts`, { method: 'POST', headers });
    const location = accepted.headers.get('location');
    if (accepted.status !== 202 || location === null)
      throw new Error(`Status ${accepted.status}: ${await accepted.text()}`);
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const task = await (await fetch(url + location, { headers })).json();
      if (task.finishedAt !== null || performance.now() > until) return task;
      await wait(50);
    }
  } finally {
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  }
}

/** What stands after "port " in the first such line. @throws Error with what was printed, if the process ends before */
async function readPort(child: ChildProcess): Promise<string> {
  let errors = '';
  child.stderr?.on('data', (data: Buffer) => {
    errors += data;
  });
  if (child.stdout) {
    for await (const line of createInterface(child.stdout)) {
      const [, port] = /^port (.*)/.exec(line) ?? [];
      if (port !== undefined) return port;
    }
  }
  throw new Error(`It ended: ${errors}`);
}
