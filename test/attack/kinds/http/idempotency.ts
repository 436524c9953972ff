// Idempotency keys of other users, and keys that could collide in the store.
import type { Snapshot } from '../../../../core/tasks/snapshot.ts';
import { fileForm, jsonBody } from '../../http.ts';
import type { Kind } from '../../kind.ts';

export const idempotency: Kind = {
  name: "others' idempotency keys",
  why: "another user's task, by using the key they used",
  success: 'the task of another owner, or of another key',
  async run({ app, demo }, tally) {
    const start = async (owner: string, key: string, title = 'the same'): Promise<{ status: number; id: string }> => {
      const { status, body } = await app.call(
        owner,
        '/tasks',
        jsonBody({ name: 'wait', input: { title } }, { 'idempotency-key': key }),
      );
      return { status, id: (JSON.parse(body) as Snapshot).id };
    };
    const pairs: [string, string][] = [];
    for (const owner of ['judy', 'judy:', 'judy:x', 'x', 'x:judy', '', 'key', 'key:judy', 'retry'].filter(Boolean)) {
      for (const key of [
        'k',
        'x:k',
        ':k',
        'judy',
        'key:k',
        'retry:k',
        '__proto__',
        '*',
        'k\t',
        'K',
        '%6b',
        'k'.repeat(255),
      ]) {
        pairs.push([owner, key]);
      }
    }
    const seen = new Map<string, string>();
    for (const [owner, key] of pairs) {
      const { id } = await start(owner, key);
      // HTTP strips the tab.
      const trimmed = key.trim();
      const first = seen.get(id);
      tally.attempt(
        `${owner} with ${key} got what ${first} started`,
        first !== undefined && first !== `${owner}|${trimmed}`,
      );
      seen.set(id, `${owner}|${trimmed}`);
    }
    const [, again, other] = [
      await start('judy', 'k2'),
      await start('judy', 'k2'),
      await start('judy', 'k2', 'another'),
    ];
    tally.attempt(`another body with the same key: ${other.status}`, other.status !== 422 || again.status !== 202);
    const together = await Promise.all(Array.from({ length: 40 }, () => start('judy', 'at once')));
    tally.attempt('one key, forty times at once, made several tasks', new Set(together.map(({ id }) => id)).size > 1);
    // Mallory uses the id of Judy's task as a key. Judy's retry must not find Mallory's task under it.
    const own = await app.start('judy', 'wait', { title: 'mine' });
    await app.call('judy', `/tasks/${own.id}/cancel`, { method: 'POST' });
    const poison = await start('mallory', own.id);
    const retried = JSON.parse((await app.call('judy', `/tasks/${own.id}/retry`, { method: 'POST' })).body) as Snapshot;
    tally.attempt("a retry gave what another's key had started", retried.id === poison.id);
    const ken = await demo.signIn('ken');
    const lea = await demo.signIn('lea');
    const form = fileForm('same.csv', 'email\nsame@example.org\n');
    const upload = { ...form, headers: { ...form.headers, 'idempotency-key': 'import' } };
    const ids: string[] = [];
    for (const cookie of [ken, lea])
      ids.push((JSON.parse((await demo.call(cookie, '/imports', upload)).body) as Snapshot).id);
    tally.attempt("an import gave another's task", ids[0] === ids[1]);
  },
};
