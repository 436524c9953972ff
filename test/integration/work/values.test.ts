// Whatever a handler throws or returns, its task gets an outcome. Whatever a start is given, it is accepted, or refused with
// the name of the property. On a real Redis, with the worker in a process of its own.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { z } from 'zod';
import type { Backend } from '../../../backend/backend.ts';
import { type AnyTaskDefinition, defineTask } from '../../../core/tasks/definition.ts';
import { createTaskServer } from '../../../server/task-server.ts';
import { eventually } from '../../support/eventually.ts';
import { backendOn, startApp, startBus, type TestApp, type TestBus } from '../../support/parts.ts';
import { type Bundle, bundleScript, type ScriptProcess, startScript } from '../../support/processes/script-process.ts';
import { defaulting, patient, RETURNED, returning, THROWN, throwing, VALUE_TASKS } from './processes/value-tasks.ts';

jest.setTimeout(40_000);

const open = defineTask({ name: 'open', input: z.any(), browser: true });
const strict = defineTask({ name: 'strict', input: z.record(z.string(), z.number()), browser: true });
const idle = defineTask({
  name: 'idle',
  input: z.object({
    at: z.date().transform((date) => date.toISOString()),
    tag: z.string().default(() => `${Math.random()}`),
  }),
});

let bus: TestBus;
let backend: Backend;
let app: TestApp;
let bundle: Bundle;
let worker: ScriptProcess;

beforeAll(async () => {
  bundle = await bundleScript('test/integration/work/processes/value-worker.ts');
  bus = await startBus();
  backend = backendOn(bus.env);
  app = await startApp(backend, [...VALUE_TASKS, open, strict, idle]);
  worker = await startScript(bundle, bus.env, 'worker ready');
}, 60_000);

afterAll(async () => {
  await worker.kill();
  await app.close();
  await backend.close();
  await bus.stop();
  bundle.remove();
}, 30_000);

const start = async (definition: AnyTaskDefinition, input: unknown, options = {}) =>
  app.tasks.start(definition, input as never, { owner: 'ada', ...options });
const outcomeOf = (id: string) =>
  eventually(
    async () => {
      const snapshot = await app.tasks.tasks.get('ada', id);
      return snapshot.finishedAt !== null && snapshot;
    },
    { within: 10_000 },
  );
const storedOf = async (id: string) => backend.store.read(id, { input: true });

describe('a handler in a real worker that throws', () => {
  it.each(Object.keys(THROWN))('%s: failed, within a second of its start', async (what) => {
    const task = await outcomeOf((await start(throwing, { what })).id);
    expect(task).toMatchObject({
      status: 'failed',
      error: { code: expect.stringMatching(/./), message: expect.stringMatching(/./) },
    });
    expect(task.error?.message.length).toBeLessThanOrEqual(500);
    expect(Date.parse(task.finishedAt ?? '') - Date.parse(task.startedAt ?? '')).toBeLessThan(1_000);
  });
});

describe('a handler in a real worker that returns', () => {
  it.each(Object.keys(RETURNED))('%s: failed after one run, with a message that names the fault', async (what) => {
    const task = await outcomeOf((await start(returning, { what })).id);
    expect(task).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'invalid_result', retryable: false, message: expect.stringMatching(/^The task ended, but /) },
    });
    // The line comes through a pipe, which may be slower than the outcome.
    await eventually(() => expect(worker.output()).toContain(task.id));
  });
});

describe('an input', () => {
  it('is parsed once: a default is the same in the title, in the record and in each attempt', async () => {
    const queued = await start(defaulting, { n: '5' });
    const [, tag] = queued.title.split(' ');
    expect(await storedOf(queued.id)).toMatchObject({ input: { n: 5, tag }, raw: { n: '5' } });
    expect(await outcomeOf(queued.id)).toMatchObject({ status: 'succeeded', attempt: 2, result: { n: 5, tag } });
  });

  it('is compared before it is parsed: a repeated request is the same, even if defaults differ', async () => {
    const [first, again] = [
      await start(defaulting, { n: '6' }, { idempotencyKey: 'k1' }),
      await start(defaulting, { n: '6' }, { idempotencyKey: 'k1' }),
    ];
    expect(again.id).toBe(first.id);
    await expect(start(defaulting, { n: '7' }, { idempotencyKey: 'k1' })).rejects.toMatchObject({
      code: 'idempotency_mismatch',
    });
    const at = new Date(0);
    const dated = await start(idle, { at }, { idempotencyKey: 'k2' });
    expect((await start(idle, { at: new Date(0) }, { idempotencyKey: 'k2' })).id).toBe(dated.id);
    await expect(start(idle, { at: new Date(1) }, { idempotencyKey: 'k2' })).rejects.toMatchObject({ status: 422 });
  });

  it('that is not JSON is accepted if its schema makes JSON of it; a retry uses the parsed input', async () => {
    const queued = await start(idle, { at: new Date(0) });
    const stored = await storedOf(queued.id);
    expect(stored).toMatchObject({ input: { at: '1970-01-01T00:00:00.000Z' }, raw: undefined });
    await app.tasks.tasks.cancel('ada', queued.id);
    const again = await app.tasks.tasks.retry('ada', queued.id);
    expect(await storedOf(again.id)).toMatchObject({ input: stored?.input as object });
  });

  it('that does not fit its schema is refused over HTTP with the name of the property', async () => {
    const answer = await app.post('ada', '/tasks', { name: 'strict', input: { a: 'x' } });
    expect([answer.status, await answer.json()]).toMatchObject([
      422,
      { code: 'invalid_input', errors: [{ path: ['a'] }] },
    ]);
  });

  it('with a fault for each of its properties gets a small answer', async () => {
    const input = Object.fromEntries(Array.from({ length: 3_500 }, (_, n) => [`key-${n}`, 'x']));
    const answer = await app.post('ada', '/tasks', { name: 'strict', input });
    const text = await answer.text();
    expect([answer.status, JSON.parse(text).errors.length]).toEqual([422, 100]);
    expect(text.length).toBeLessThan(20_000);
  });

  it('nested 6,000 levels deep is 422, without a stack trace', async () => {
    const body = `{"name":"open","input":${'['.repeat(6_000)}${']'.repeat(6_000)}}`;
    const answer = await app.call('ada', '/tasks', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const text = await answer.text();
    expect([answer.status, JSON.parse(text).code]).toEqual([422, 'invalid_input']);
    expect(text).not.toMatch(/stack|\.ts/);
  });

  it('that is refused stores nothing', async () => {
    const before = await app.tasks.tasks.list('ada', { limit: 100 });
    await expect(start(open, { n: 10n })).rejects.toMatchObject({ code: 'invalid_input', issues: [{ path: ['n'] }] });
    const after = await app.tasks.tasks.list('ada', { limit: 100 });
    expect(after.tasks.map(({ id }) => id)).toEqual(before.tasks.map(({ id }) => id));
  });
});

describe('a task that was asked for under an older schema', () => {
  it('cannot be retried; the message names no field of the input', async () => {
    const queued = await start(open, { cardNumber: '4711' });
    await app.tasks.tasks.cancel('ada', queued.id);
    const newer = defineTask({ name: 'open', input: z.object({ cardNumber: z.number() }), browser: true });
    const server = createTaskServer({ backend, tasks: [newer], identify: () => 'ada' });
    app.app.use('/newer', server.router);
    const answer = await app.post('ada', `/newer/${queued.id}/retry`);
    const text = await answer.text();
    expect([answer.status, JSON.parse(text).code]).toEqual([422, 'invalid_input']);
    expect(text).toContain('older version');
    expect(text).not.toMatch(/cardNumber|4711|errors/);
  });
});

// 24.8 days (2^31 ms) is the longest delay that `setTimeout` takes.
describe('durations beyond 24.8 days', () => {
  it('a deadline of 25 days does not pass early, nor do drain and grace of a day', async () => {
    expect(await outcomeOf((await start(patient, {})).id)).toMatchObject({ status: 'succeeded', result: 'in time' });
  });
});
