// Whether an owner has a page open: what is noted of it, and what a change is told.
import { describe, expect, it } from '@jest/globals';
import { channelOf } from '../../core/channel.ts';
import { eventually } from '../../test/support/eventually.ts';
import { progress, start, useStore } from '../../test/support/redis/store-world.ts';
import { WORKER_COUNTS_MS } from './watched-mark.ts';

const world = useStore();
const { accept, happen } = world;

describe('an owner', () => {
  const watched = async () => {
    const task = await happen(await accept(), 'ada', start());
    const applied = await world.store.apply({ snapshot: task, owner: 'ada' }, progress(1));
    return applied.ok && applied.watched;
  };
  const channel = channelOf('ada');
  /**
   * Tells by webhook that the channel is vacant, by a clock that is 4 s ahead. Repeated until it counts: a page that opens and
   * leaves within one millisecond counts as open.
   */
  const vacate = () =>
    eventually(async () => (await world.redis.noteWebhook(channel, 'vacated', Date.now() + 4_000)) === 'vacated');

  it('counts as watched until the channel is known to be vacant, and again once it is occupied', async () => {
    expect(await watched()).toBe(true);
    await world.redis.noteWatched(channel, 'ada');
    await vacate();
    expect(await watched()).toBe(false);
    await world.redis.noteWatched(channel);
    expect(await watched()).toBe(true);
  });

  it('stays watched when a webhook says that the channel was vacant before the page opened', async () => {
    const before = Date.now() - 2_000;
    await world.redis.noteWatched(channel, 'ada');
    expect(await world.redis.noteWebhook(channel, 'vacated', before)).toBe('noted');
    expect(await watched()).toBe(true);
  });

  it('stays watched when the time of a webhook is far ahead or minutes old', async () => {
    await world.redis.noteWatched(channel, 'ada');
    for (const off of [60_000, 8_640_000_000_000, -311_000, -Date.now()]) {
      expect(await world.redis.noteWebhook(channel, 'vacated', Date.now() + off)).toBe('unbelieved');
    }
    expect(await watched()).toBe(true);
  });

  it('counts as watched as soon as a page opens, even if a webhook before it came from a clock that is a little ahead', async () => {
    expect(await watched()).toBe(true);
    await world.redis.noteWatched(channel, 'ada');
    await vacate();
    expect(await watched()).toBe(false);
    await world.redis.noteWatched(channel, 'ada');
    expect(await watched()).toBe(true);
  });

  it('without an authorized page has no mark, whatever webhooks say of the channel', async () => {
    const made = 'private-user-made-up';
    expect(await world.redis.noteWebhook(made, 'opened', Date.now())).toBe('unknown');
    expect(await world.redis.noteWebhook(made, 'vacated', Date.now())).toBe('unknown');
    await world.redis.noteWatched(made);
    expect(await world.raw.exists(`${world.prefix}page:${made}`)).toBe(0);
  });
});

describe('the workers that run tasks of an owner', () => {
  const channel = channelOf('ada');
  const markKey = () => `${world.prefix}page:${channel}`;
  /** Starts a task of `ada` on a worker, and returns a function that stores its next step. Both tell how many workers there are. */
  const run = async (worker: string) => {
    let snapshot = await accept();
    let done = 0;
    const begun = await world.store.apply({ snapshot, owner: 'ada' }, start(), {
      run: 0,
      start: { worker, isolation: 'free' },
    });
    if (!begun.ok) throw new Error(begun.refusal);
    snapshot = begun.snapshot as typeof snapshot;
    const step = async () => {
      const applied = await world.store.apply({ snapshot, owner: 'ada' }, progress(++done), { run: 1 });
      return applied.ok ? applied.workers : applied.refusal;
    };
    return { workers: begun.workers, step };
  };
  const makeOlder = async (worker: string, ms: number) => {
    const at = Number(await world.raw.hGet(markKey(), `p${worker}`));
    await world.raw.hSet(markKey(), `p${worker}`, at - ms);
  };

  it('are counted by each change of a task that runs', async () => {
    await world.redis.noteWatched(channel, 'ada');
    const first = await run('w1');
    expect(first.workers).toBe(1);
    expect((await run('w1')).workers).toBe(1);
    const second = await run('w2');
    expect(second.workers).toBe(2);
    expect((await run('w3')).workers).toBe(3);
    expect([await first.step(), await second.step()]).toEqual([3, 3]);
  });

  it('no longer count 15 s after their last change, and their times are removed', async () => {
    await world.redis.noteWatched(channel, 'ada');
    const first = await run('w1');
    await run('w2');
    await makeOlder('w2', WORKER_COUNTS_MS + 1);
    await makeOlder('w1', 4_000);
    expect(await first.step()).toBe(1);
    expect(await world.raw.hKeys(markKey())).toEqual(expect.arrayContaining(['pw1']));
    expect(await world.raw.hExists(markKey(), 'pw2')).toBeFalsy();
  });

  it('write nothing for most changes', async () => {
    await world.redis.noteWatched(channel, 'ada');
    const { step } = await run('w1');
    const at = await world.raw.hGet(markKey(), 'pw1');
    for (let n = 0; n < 5; n++) await step();
    expect(await world.raw.hGet(markKey(), 'pw1')).toBe(at);
  });

  it('are not counted for an owner who is not watching, or who was never seen on a page', async () => {
    // Without a mark the owner counts as watched, and each worker as the only one.
    expect((await run('w1')).workers).toBe(1);
    expect((await run('w2')).workers).toBe(1);
    expect(await world.raw.exists(markKey())).toBe(0);
    await world.redis.noteWatched(channel, 'ada');
    await eventually(async () => (await world.redis.noteWebhook(channel, 'vacated', Date.now() + 4_000)) === 'vacated');
    expect((await run('w3')).workers).toBeUndefined();
    expect(await world.raw.hExists(markKey(), 'pw3')).toBeFalsy();
  });
});
