// Whether an owner has a page open: what is noted of it, and what a change is told.
import { describe, expect, it } from '@jest/globals';
import { channelOf } from '../../core/channel.ts';
import { eventually } from '../../test/support/eventually.ts';
import { progress, start, useStore } from '../../test/support/redis/store-world.ts';

const world = useStore();
const { accept, happen } = world;

describe('an owner', () => {
  const watched = async () => {
    const task = await happen(await accept(), 'ada', start());
    const applied = await world.store.apply({ snapshot: task, owner: 'ada' }, progress(1));
    return applied.ok && applied.watched;
  };
  const channel = channelOf('ada');
  /** By a clock that is 4 s ahead. A page that opens and leaves within one millisecond still counts as open, hence the retries. */
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

  it('is watched at once by a page that opens after a webhook whose clock is a little ahead', async () => {
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
