// What every backend must do with tasks that are limited, by number or by a key. Part of backend-cases.ts.
import { expect } from '@jest/globals';
import { z } from 'zod';
import { TaskError } from '../../core/error.ts';
import { WHEN_BUSY, type WhenBusy } from '../../core/tasks/concurrency.ts';
import { type AnyTaskDefinition, defineTask } from '../../core/tasks/definition.ts';
import type { Snapshot } from '../../core/tasks/snapshot.ts';
import type { Problem } from '../../core/wire.ts';
import type { Handler } from '../../worker/context.ts';
import type { TestApp } from '../support/parts.ts';

/** Succeeds, or fails for good if `succeedsIn` is 0. One owner may have two active, and start four within a minute. */
const scarce = defineTask({
  name: 'scarce',
  input: z.object({ succeedsIn: z.number() }),
  attempts: 2,
  backoff: { initial: 20 },
  browser: true,
  limits: { owner: { active: 2, startsPerMinute: 4 }, overall: { active: 1_000 } },
});
/** One for each way of `whenBusy`: `keyed-wait`, `keyed-join`, … */
const keyed = WHEN_BUSY.map((whenBusy) =>
  defineTask({
    name: `keyed-${whenBusy}`,
    input: z.object({ key: z.string() }),
    browser: true,
    concurrency: { key: ({ key }) => key, whenBusy },
  }),
);

const scarceHandler: Handler<typeof scarce> = async ({ succeedsIn }) => {
  if (succeedsIn === 0) throw new TaskError('no_use', 'It is of no use.', { retryable: false });
};

/** What a worker has to handle for these cases. */
export const LIMIT_HANDLINGS: readonly (readonly [AnyTaskDefinition, Handler<AnyTaskDefinition>])[] = [
  [scarce, scarceHandler as Handler<AnyTaskDefinition>],
  ...keyed.map((definition) => [definition, async () => undefined] as const),
];

/** What the cases work with: calls as the user that they name. */
export interface CaseTools {
  /** Declares a case, which gets a user of its own. */
  obeys(name: string, check: (user: string) => Promise<void>): void;
  /** The body of an answer, which must have this status. Default 200. */
  json<T>(answer: Promise<Response>, status?: number): Promise<T>;
  readonly post: TestApp['post'];
  get(user: string, id: string): Promise<Snapshot>;
  /** The ids of a user's tasks, newest first. */
  ids(user: string): Promise<string[]>;
  /** Runs tasks until none of this user is active. */
  run(user: string): Promise<void>;
}

/** Declares the cases. */
export function itObeysTheLimitCases({ obeys, json, post, get, ids, run }: CaseTools): void {
  obeys('a start beyond a limit is refused, until one would be taken', async (user) => {
    /** Starts a `scarce`. `key`: the idempotency key, if any. The task with the key `useless` fails. */
    const start = (who: string, key = '') =>
      post(
        who,
        '/tasks',
        { name: 'scarce', input: { succeedsIn: key === 'useless' ? 0 : 1 } },
        key ? { 'idempotency-key': key } : {},
      );
    const refused = async (answer: Response, detail: RegExp) => {
      expect(answer.status).toBe(429);
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
      expect(await answer.json()).toMatchObject({ code: 'too_many_tasks', detail: expect.stringMatching(detail) });
    };
    const useless = await json<Snapshot>(start(user, 'useless'), 202);
    await json(start(user), 202);
    const full = /^You may have 2 tasks of this kind under way at the same time\. Try again when one has finished\.$/;
    await refused(await start(user), full);
    expect((await json<Snapshot>(start(user, 'useless'), 202)).id).toBe(useless.id);
    await json(start(`${user}-b`), 202);
    await json(post(user, '/tasks', { name: 'work', input: { succeedsIn: 1 } }), 202);
    expect(await ids(user)).toHaveLength(3);
    await run(user);
    await json(post(user, `/tasks/${useless.id}/retry`), 202);
    await json(start(user), 202);
    const soon = /^You may start 4 tasks of this kind within a minute\. Try again in \d+ seconds?\.$/;
    await refused(await start(user), soon);
    expect(await ids(user)).toHaveLength(5);
    await run(user);
  });

  const beginKeyed = (user: string, whenBusy: WhenBusy, key = user) =>
    post(user, '/tasks', { name: `keyed-${whenBusy}`, input: { key } });

  obeys(
    'a second task with the same key waits until the first has ended, also if another owner or a cancelled one is between',
    async (user) => {
      const other = `${user}-b`;
      const made: Snapshot[] = [];
      for (const who of [user, other, user, user]) made.push(await json<Snapshot>(beginKeyed(who, 'wait', user), 202));
      await json(post(user, `/tasks/${made[2]?.id}/cancel`), 202);
      await run(user);
      await run(other);
      const [first, second, third, last] = await Promise.all(made.map(({ id }, n) => get(n === 1 ? other : user, id)));
      expect([first, second, third, last].map((task) => task?.status)).toEqual([
        ...['succeeded', 'succeeded', 'cancelled', 'succeeded'],
      ]);
      expect((second?.startedAt ?? '') >= (first?.finishedAt ?? 'z')).toBe(true);
      expect((last?.startedAt ?? '') >= (second?.finishedAt ?? 'z')).toBe(true);
    },
  );

  obeys(
    'a second task with the same key joins the first, is refused, or replaces it, as `whenBusy` says',
    async (user) => {
      const other = `${user}-b`;
      const one = await json<Snapshot>(beginKeyed(user, 'join'), 202);
      expect(await json(beginKeyed(user, 'join'), 202)).toMatchObject({ id: one.id });
      expect((await json<Snapshot>(beginKeyed(other, 'join', user), 202)).id).not.toBe(one.id);
      await json(beginKeyed(user, 'refuse'), 202);
      for (const who of [user, other]) {
        const problem = await json<Problem>(beginKeyed(who, 'refuse', user), 409);
        expect(problem).toMatchObject({
          code: 'already_under_way',
          detail: expect.stringMatching(/^This is under way/),
        });
      }
      const old = await json<Snapshot>(beginKeyed(user, 'replace'), 202);
      await json(beginKeyed(other, 'replace', user), 202);
      expect(await get(user, old.id)).toMatchObject({ status: 'queued' });
      const replacing = await json<Snapshot>(beginKeyed(user, 'replace'), 202);
      expect(await get(user, old.id)).toMatchObject({ status: 'cancelled' });
      await run(user);
      await run(other);
      expect(await get(user, replacing.id)).toMatchObject({ status: 'succeeded' });
      expect((await json<Snapshot>(beginKeyed(user, 'join'), 202)).id).not.toBe(one.id);
      await json(beginKeyed(user, 'refuse'), 202);
      await run(user);
    },
  );
}
