// The example examples/python-follower: a client in another language, with its standard library alone, on a real Redis, Soketi
// and Express. Where there is no python3, it is left out.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { findOnPath } from '../../../cli/parts/find.ts';
import { defineTask } from '../../../core/tasks/definition.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { createTaskWorker } from '../../../worker/task-worker.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';

const PYTHON = findOnPath(['python3']);
const EXAMPLE = join(REPOSITORY, 'examples/python-follower/follow.py');
const describeWithPython = PYTHON === null ? describe.skip : describe;
const copy = defineTask({ name: 'copy', input: z.object({ title: z.string() }), title: ({ title }) => title });

it('the Python example uses the standard library alone, and is under 300 lines', () => {
  const source = readFileSync(EXAMPLE, 'utf8');
  const imported = [...source.matchAll(/^(?:import|from) ([\w.]+)/gm)].map(([, name = '']) => name);
  const standard = ['argparse', 'base64', 'json', 'os', 'random', 'socket', 'ssl', 'struct', 'time', 'urllib'];
  expect([...new Set(imported.map((name) => name.split('.')[0]))]).toEqual(standard);
  expect(source.split('\n').length).toBeLessThan(300);
});

describeWithPython('the Python example (left out where there is no python3)', () => {
  let bus: TestBus;
  let backend: Backend;
  let app: TestApp;
  let follower: ChildProcess;
  const lines: string[] = [];
  const shutdown = new AbortController();
  let working: Promise<void>;
  /** One function for each handler that waits: it lets the handler go on. */
  const waiting: (() => void)[] = [];
  const release = () => {
    for (const go of waiting.splice(0)) go();
  };

  beforeAll(async () => {
    bus = await startBus();
    backend = backendOn(bus.env);
    app = await startApp(backend, [copy]);
    const worker = createTaskWorker({ backend, drain: '1s' });
    worker.handle(copy, async (_input, task) => {
      task.progress({ done: 1, total: 2 });
      await new Promise<void>((resolve) => waiting.push(resolve));
      // Too long for an event, so the example has to fetch the task.
      return 'x'.repeat(20_000);
    });
    working = worker.run({ signal: shutdown.signal });
    follower = spawn(PYTHON ?? '', ['-u', EXAMPLE, `${app.url}/tasks`, '--header', 'x-user: ada']);
    for (const stream of [follower.stdout, follower.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)));
    }
  }, 60_000);

  afterAll(async () => {
    follower?.kill('SIGINT');
    if (follower && follower.exitCode === null) await once(follower, 'exit');
    shutdown.abort();
    release();
    await working;
    await app?.close();
    await backend?.close();
    await bus?.stop();
  }, 60_000);

  const says = (line: string, times = 1) =>
    eventually(async () => expect(lines.filter((one) => one === line).length).toBeGreaterThanOrEqual(times), {
      within: 20_000,
      that: `"${line}" in ${JSON.stringify(lines)}`,
    });

  it('is pushed what happens, and finds what happened while the bus was away', async () => {
    await says('live');
    await app.tasks.start(copy, { title: 'Copy a' }, { owner: 'ada' });
    await app.tasks.start(copy, { title: 'Of bob' }, { owner: 'bob' });
    await says('Copy a: running 1/2');
    release();
    await says('Copy a: succeeded 1/2');

    await bus.soketi.kill();
    await eventually(async () => expect(lines.join()).toContain('lost: '), { within: 10_000 });
    const { id } = await app.tasks.start(copy, { title: 'Copy b' }, { owner: 'ada' });
    await eventually(async () => {
      release();
      expect((await app.tasks.tasks.get('ada', id)).status).toBe('succeeded');
    });
    expect(lines.join()).not.toContain('Copy b');
    await bus.soketi.restart();
    await says('live', 2);
    await says('Copy b: succeeded 1/2');
    expect(lines.join('\n')).not.toMatch(/Of bob|Traceback/);
  }, 90_000);
});
