// Encryption is switched on while a page is open.
import { it } from '@jest/globals';
import { eventually } from '../../../support/eventually.ts';
import { BY_PUSH, keyOf, startEncryptedWorld, USER } from '../encrypted-world.ts';

/** Registers the test. */
export function testEncryptionSwitchedOn(): void {
  it.concurrent(
    'when encryption is switched on under a client it changes to the encrypted channel at its next fetch',
    switchOn,
    60_000,
  );
}

async function switchOn(): Promise<void> {
  const world = await startEncryptedWorld();
  const { startProcess, start, authCalls } = world;
  try {
    world.current = startProcess(null);
    const { feed } = await world.openFeed();
    const task = await start(world.current, 'plain');
    await eventually(() => feed.get(task.id));
    world.current = startProcess(keyOf(1));
    const before = authCalls();
    await start(world.current, 'sealed');
    // The feed hears nothing of this task for 15 s. Then it fetches the task, finds that push brought no news of it, and connects
    // again. The server does not authorize the old channel any more, so the feed asks which one it is now, and enters that: the
    // second call.
    await world.current.tasks.tasks.cancel(USER, task.id);
    await eventually(() => feed.get(task.id)?.status === 'cancelled', { within: 25_000 });
    await eventually(() => authCalls() - before >= 2 && feed.getSnapshot().connection.status === 'live', {
      within: 15_000,
    });
    const pushed = await start(world.current, 'pushed');
    await eventually(() => feed.get(pushed.id), BY_PUSH);
  } finally {
    await world.close();
  }
}
