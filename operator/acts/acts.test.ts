// What the operator does, on a real Redis, with a real server and real workers.
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { ActPreview, ActResult, AuditPage } from '../../core/operator/acts.ts';
import type { Overview } from '../../core/operator/overview.ts';
import type { StuckReport } from '../../core/operator/stuck.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { eventually } from '../../test/support/eventually.ts';
import { orphan, pausable } from '../../test/support/operator/operator-tasks.ts';
import { useOperator } from '../../test/support/operator/operator-world.ts';
import { createOwnerHash } from './owner-hash.ts';

const world = useOperator();

const statusOf = async (id: string, owner = 'ada'): Promise<string> =>
  ((await world.tasks.tasks.get(owner, id)) as Snapshot).status;
const audit = (): Promise<AuditPage> => world.get('/api/audit');
/** The status and the code of an answer. */
const refusal = async (response: Response) => [response.status, (await response.json()).code];

/** Runs `count` tasks of `owner` to their failure. Returns their ids, sorted. */
async function runToFailure(count: number, owner: string): Promise<string[]> {
  const started = await Promise.all(Array.from({ length: count }, () => world.start({ fails: 2 }, owner)));
  for (const { id } of started) await world.reaches(id, 'failed', owner);
  return started.map(({ id }) => id).sort();
}

/** Starts tasks that no worker takes, 100 at a time. */
async function startMany(count: number, owner: string): Promise<void> {
  for (let n = 0; n < count; n += 100) {
    await Promise.all(Array.from({ length: 100 }, () => world.tasks.start(orphan, {}, { owner })));
  }
}

describe('retry', () => {
  it('starts a new task for each that failed, once, for its owner', async () => {
    const [id = ''] = await runToFailure(1, 'once');
    expect(await world.act({ act: 'retry', target: { ids: [id] } })).toMatchObject({ done: 1, refused: 0 });
    const { facts, task } = await world.get(`/api/tasks/${id}`);
    expect(task.canRetry).toBe(false);
    const retry = (await world.tasks.tasks.get('once', facts.retriedBy)) as Snapshot;
    expect(retry.retryOf).toBe(id);
    const again = await world.act({ act: 'retry', target: { ids: [id] } });
    expect(again).toMatchObject({ done: 0, refused: 1, refusals: [{ id, code: 'not_retryable' }] });
  });

  it('in bulk shows what it would do, and does that to no task that came later', async () => {
    const ids = await runToFailure(5, 'bulk');
    const filter = { owner: 'bulk', status: ['failed', 'running'] as const };
    const preview = await world.preview({ act: 'retry', target: { filter } });
    expect([preview.count, preview.isCountComplete]).toEqual([5, true]);
    expect(preview.tasks.map(({ id }) => id).sort()).toEqual(ids);
    // The preview is not in the audit log: it has at most the two retries of the test before.
    expect((await audit()).entries.filter(({ act }) => act === 'retry').length).toBeLessThan(3);
    const [later = ''] = await runToFailure(1, 'bulk');
    expect(await world.act({ act: 'retry', token: preview.token })).toMatchObject({ done: 5, refused: 0, next: null });
    expect((await world.get(`/api/tasks/${later}`)).facts.retriedBy).toBeNull();
  });
});

describe('cancel', () => {
  it('ends what runs and what waits, and refuses what has ended', async () => {
    const [running, ended] = [await world.start({ holds: true }), await world.start()];
    const waiting = await world.tasks.start(orphan, {}, { owner: 'ada' });
    await world.reaches(running.id, 'running');
    await world.reaches(ended.id, 'succeeded');
    const missing = '01a2b3c4-0000-7000-8000-000000000000';
    const result = await world.act({ act: 'cancel', target: { ids: [running.id, waiting.id, ended.id, missing] } });
    expect([result.done, result.refused]).toEqual([2, 2]);
    expect(result.refusals.map(({ code }) => code).sort()).toEqual(['not_cancellable', 'not_found']);
    await world.reaches(running.id, 'cancelled');
    expect(await statusOf(waiting.id)).toBe('cancelled');
  });

  it('of many goes in steps of 200 to the end', async () => {
    await Promise.all(Array.from({ length: 250 }, (_, n) => world.tasks.start(orphan, {}, { owner: `many-${n % 3}` })));
    const { count, token, tasks } = await world.preview({ act: 'cancel', target: { filter: { name: 'orphan' } } });
    expect([count, tasks.length]).toEqual([250, 20]);
    const first = await (await world.post({ act: 'cancel', token })).json();
    expect(first.done).toBe(200);
    expect(await world.act({ act: 'cancel', token: first.next })).toMatchObject({ done: 50, next: null });
    // The steps of one act share an entry of the audit log. An entry names at most 100 tasks.
    const [entry, before] = (await audit()).entries;
    expect([entry?.done, entry?.ids.length]).toEqual([250, 100]);
    expect(before?.filter).not.toEqual(entry?.filter);
    const { tasks: left } = await world.get('/api/tasks?name=orphan&status=queued');
    expect(left).toEqual([]);
  });
});

describe('forget', () => {
  it('erases all of a user, and the audit log does not name them', async () => {
    const { id } = await world.start({}, 'leaver@example.com');
    await world.reaches(id, 'succeeded', 'leaver@example.com');
    const target = { owner: 'leaver@example.com' };
    expect(await refusal(await world.post({ act: 'forget', target }))).toEqual([422, 'invalid_act']);
    const { count, token } = await world.preview({ act: 'forget', target });
    expect(count).toBe(1);
    expect(await world.act({ act: 'forget', token })).toMatchObject({ done: 1 });
    expect((await world.call(`/api/tasks/${id}`)).status).toBe(404);
    expect(await world.raw.keys(`inloop:task:${id}*`)).toEqual([]);
    const [entry] = (await audit()).entries;
    expect(entry).toMatchObject({
      act: 'forget',
      who: 'grace',
      done: 1,
      owner: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(JSON.stringify([entry, world.log.lines])).not.toContain('leaver@example.com');
  });

  it('goes in steps of 200 at most, says how far it is, and can be begun again after it was left half done', async () => {
    const owner = 'many@example.com';
    await startMany(500, owner);
    const erased: number[] = [];
    const stop = world.backend.on('owner.forgotten', ({ tasks }) => erased.push(tasks));
    const { count, token } = await world.preview({ act: 'forget', target: { owner } });
    const first: ActResult = await (await world.post({ act: 'forget', token })).json();
    expect([count, first.done <= 200, typeof first.next]).toEqual([500, true, 'string']);
    // As if the page had been closed after the first step: who looks again is shown what is left.
    const again = await world.preview({ act: 'forget', target: { owner } });
    const left = 500 - first.done;
    expect([again.count, erased]).toEqual([left, []]);
    expect(await world.act({ act: 'forget', token: again.token })).toMatchObject({ done: left, next: null });
    expect(erased).toEqual([left]);
    // One entry for each time it was begun, however many steps it took.
    expect((await audit()).entries.slice(0, 2).map(({ done }) => done)).toEqual([left, first.done]);
    await startMany(300, owner);
    expect(await world.tasks.forget(owner)).toBe(300);
    expect(await world.raw.keys(`inloop:*${owner}*`)).toEqual([]);
    stop();
  });

  it('names the owner by a keyed hash: whoever reads the audit log cannot test whether an owner they guess is in it', async () => {
    const hashes: (string | null)[] = [];
    for (const owner of ['guessed@example.com', 'other@example.com', 'guessed@example.com']) {
      const { token } = await world.preview({ act: 'forget', target: { owner } });
      await world.act({ act: 'forget', token });
      hashes.push((await audit()).entries[0]?.owner ?? null);
    }
    const [hash, other, same] = hashes;
    expect([hash === other, hash === same]).toEqual([false, true]);
    const { secret } = world.backend.pusher;
    const guesses = ['', 'inloop', 'inloop:', world.backend.pusher.key].flatMap((key) => [
      createHmac('sha256', key).update('guessed@example.com').digest('hex'),
      createHash('sha256').update(`${key}guessed@example.com`).digest('hex'),
    ]);
    expect(guesses.filter((guess) => guess.startsWith(hash ?? ''))).toEqual([]);
    expect(createOwnerHash(secret)('guessed@example.com')).toBe(hash);
    expect(createOwnerHash(`${secret}.`)('guessed@example.com')).not.toBe(hash);
  });
});

describe('pause', () => {
  const start = () => world.tasks.start(pausable, {}, { owner: 'ada' });

  it('keeps workers from taking tasks until it is resumed, also workers that start later', async () => {
    // After this task the worker waits for its next job, in a Redis command that blocks.
    await world.reaches((await start()).id, 'succeeded');
    await world.act({ act: 'pause', target: { name: 'pausable' } });
    const waiting = [await start(), await start()];
    const endWorker = await world.startWorker();
    const overview: Overview = await eventually(async () => {
      const now: Overview = await world.get('/api/overview');
      const definition = now.definitions.find(({ name }) => name === 'pausable');
      return definition?.paused && definition.line === 2 ? now : null;
    });
    expect(overview.definitions.find(({ name }) => name === 'pausable')?.paused).toMatchObject({ who: 'grace' });
    // Both workers ask for jobs meanwhile. Those of other definitions run.
    await world.reaches((await world.start()).id, 'succeeded');
    for (const { id } of waiting) expect(await statusOf(id)).toBe('queued');
    const report: StuckReport = await world.get('/api/stuck');
    expect(report.items.find(({ reason }) => reason === 'paused')).toMatchObject({ name: 'pausable', count: 2 });
    await endWorker();
    for (const { id } of waiting) expect(await statusOf(id)).toBe('queued');
    await world.act({ act: 'resume', target: { name: 'pausable' } });
    for (const { id } of waiting) await world.reaches(id, 'succeeded');
  });

  it('is refused for a definition that does not exist', async () => {
    for (const act of ['pause', 'resume']) {
      expect(await refusal(await world.post({ act, target: { name: 'none' } }))).toEqual([422, 'invalid_act']);
    }
  });

  it('is shown and can be ended after a deploy that has removed the definition', async () => {
    // As if a worker that is gone by now had named it, and no server.
    await world.raw.sAdd('inloop:operator:names', 'removed');
    await world.act({ act: 'pause', target: { name: 'removed' } });
    await world.raw.sRem('inloop:operator:names', 'removed');
    const { definitions }: Overview = await world.get('/api/overview');
    expect(definitions.find(({ name }) => name === 'removed')?.paused).toMatchObject({ who: 'grace' });
    // A definition that an earlier version has paused is in no list.
    await world.raw.sRem('inloop:definitions', 'removed');
    expect(await world.act({ act: 'resume', target: { name: 'removed' } })).toMatchObject({ act: 'resume' });
    expect(await world.raw.exists('inloop:paused:removed')).toBe(0);
  });
});

describe('an act', () => {
  const ID = '01a2b3c4-0000-7000-8000-000000000000';
  it.each([
    ['nothing', {}],
    ['an act that does not exist', { act: 'explode', target: { ids: [ID] } }],
    ['no ids', { act: 'retry', target: { ids: [] } }],
    ['texts that are no ids', { act: 'retry', target: { ids: ['x'] } }],
    ['too many ids', { act: 'retry', target: { ids: Array.from({ length: 101 }, () => ID) } }],
    ['a target of another act', { act: 'retry', target: { owner: 'ada' } }],
    ['a filter without a condition', { act: 'cancel', target: { filter: {} }, preview: true }],
    ['a filter without a preview', { act: 'cancel', target: { filter: { name: 'work' } } }],
    ['a status that is no list', { act: 'cancel', target: { filter: { status: 'failed' } }, preview: true }],
    ['a condition that does not exist', { act: 'cancel', target: { filter: { page: 7 } }, preview: true }],
    ['a name that no definition has', { act: 'pause', target: { name: '*' } }],
    ['no owner', { act: 'forget', target: {} }],
  ])('with %s is refused', async (_what, body) => {
    expect(await refusal(await world.post(body))).toEqual([422, 'invalid_act']);
  });

  it('is carried out once for a preview, and only by the operator who was shown it', async () => {
    const [id = ''] = await runToFailure(1, 'token');
    const { token }: ActPreview = await world.preview({ act: 'retry', target: { ids: [id] } });
    for (const [act, more] of [
      ['retry', { 'x-who': 'mallory' }],
      ['cancel', {}],
    ] as const) {
      expect(await refusal(await world.post({ act, token }, 'act', more))).toEqual([409, 'preview_expired']);
    }
    expect(await refusal(await world.post({ act: 'retry', token }, 'view'))).toEqual([403, 'view_only']);
    expect(await world.act({ act: 'retry', token })).toMatchObject({ done: 1 });
    expect(await refusal(await world.post({ act: 'retry', token }))).toEqual([409, 'preview_expired']);
  });

  it('is told to the log, to listeners and to the audit log', async () => {
    const [id = ''] = await runToFailure(1, 'told');
    const heard: unknown[] = [];
    const stop = world.backend.on('operator.acted', (event) => heard.push(event));
    await world.act({ act: 'retry', target: { ids: [id] } });
    stop();
    const told = { who: 'grace', act: 'retry', done: 1, refused: 0 };
    expect(heard).toEqual([expect.objectContaining({ ...told, name: null, tasks: [id] })]);
    expect(world.log.find('info', /operator has asked to retry/).at(-1)?.fields).toMatchObject(told);
    const { entries } = await audit();
    expect(entries[0]).toMatchObject({ ...told, ids: [id], filter: null, owner: null });
    const { entries: first, nextCursor } = await world.get('/api/audit?limit=1');
    expect(first).toEqual([entries[0]]);
    expect((await world.get(`/api/audit?limit=1&cursor=${nextCursor}`)).entries).toEqual([entries[1]]);
  });
});
