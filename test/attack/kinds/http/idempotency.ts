// Idempotency keys of other users, and keys that could collide in the store.
import type { Snapshot } from '../../../../core/tasks/snapshot.ts';
import { fileForm, jsonBody } from '../../http.ts';
import type { Kind, Tally } from '../../kind.ts';
import type { World } from '../../world.ts';

export const idempotency: Kind = {
  name: "others' idempotency keys",
  why: "another user's task, by using the key they used",
  success: 'the task of another owner, or of another key',
  async run(world, tally) {
    await tryPairs(world, tally);
    await tryRepeats(world, tally);
    await tryImports(world, tally);
  },
};

/** Starts a task of the app with a key. */
async function start({ app }: World, owner: string, key: string, title = 'the same') {
  const { status, body } = await app.call(
    owner,
    '/tasks',
    jsonBody({ name: 'wait', input: { title } }, { 'idempotency-key': key }),
  );
  return { status, id: (JSON.parse(body) as Snapshot).id };
}

/** Owners and keys that a store could take for one text, such as `x` with `judy:k` and `x:judy` with `k`. */
const OWNERS = ['judy', 'judy:', 'judy:x', 'x', 'x:judy', 'key', 'key:judy', 'retry'];
const KEYS = ['k', 'x:k', ':k', 'judy', 'key:k', 'retry:k', '__proto__', '*', 'k\t', 'K', '%6b', 'k'.repeat(255)];

/** Each owner with each key: no two may get the same task. */
async function tryPairs(world: World, tally: Tally): Promise<void> {
  const seen = new Map<string, string>();
  for (const owner of OWNERS) {
    for (const key of KEYS) {
      const { id } = await start(world, owner, key);
      // HTTP strips the tab.
      const pair = `${owner}|${key.trim()}`;
      const first = seen.get(id);
      tally.attempt(`${owner} with ${key} got what ${first} started`, first !== undefined && first !== pair);
      seen.set(id, pair);
    }
  }
}

/** One key again: with another body, forty times at once, and as the id of another task. */
async function tryRepeats(world: World, tally: Tally): Promise<void> {
  const { app } = world;
  const [, again, other] = [
    await start(world, 'judy', 'k2'),
    await start(world, 'judy', 'k2'),
    await start(world, 'judy', 'k2', 'another'),
  ];
  tally.attempt(`another body with the same key: ${other.status}`, other.status !== 422 || again.status !== 202);
  const together = await Promise.all(Array.from({ length: 40 }, () => start(world, 'judy', 'at once')));
  tally.attempt('one key, forty times at once, made several tasks', new Set(together.map(({ id }) => id)).size > 1);
  // Mallory uses the id of Judy's task as a key. Judy's retry must not find Mallory's task under it.
  const own = await app.start('judy', 'wait', { title: 'mine' });
  await app.call('judy', `/tasks/${own.id}/cancel`, { method: 'POST' });
  const poison = await start(world, 'mallory', own.id);
  const retried = JSON.parse((await app.call('judy', `/tasks/${own.id}/retry`, { method: 'POST' })).body) as Snapshot;
  tally.attempt("a retry gave what another's key had started", retried.id === poison.id);
}

/** Two users of the demo upload the same file with the same key. */
async function tryImports({ demo }: World, tally: Tally): Promise<void> {
  const form = fileForm('same.csv', 'email\nsame@example.org\n');
  const upload = { ...form, headers: { ...form.headers, 'idempotency-key': 'import' } };
  const ids: string[] = [];
  for (const cookie of [await demo.signIn('ken'), await demo.signIn('lea')])
    ids.push((JSON.parse((await demo.call(cookie, '/imports', upload)).body) as Snapshot).id);
  tally.attempt("an import gave another's task", ids[0] === ids[1]);
}
