// Guards in our code that the chaos run can remove (`--break`), to prove that the run fails without them.
import type { Mutation } from '../support/processes/script-process.ts';

export interface Guard {
  /** The fault that the guard prevents, as the end of "The guard keeps …". */
  readonly keeps: string;
  readonly mutations: readonly Mutation[];
}

export const GUARDS: Readonly<Record<string, Guard>> = {
  'higher-revision-wins': {
    keeps: 'a late or doubled message from taking a task back',
    mutations: [
      {
        file: 'client/feed/state/merge.ts',
        from: 'if (a.revision !== b.revision) return a.revision > b.revision;',
        to: 'if (a.revision !== b.revision) return true;',
      },
    ],
  },
  'dead-workers-are-missed': {
    keeps: 'a task whose worker died from saying "running" for ever',
    mutations: [
      {
        file: 'backend/recovery/lost-workers.ts',
        from: 'if (missing !== undefined && missing >= stallInterval * MISSED_SHARE)',
        to: 'if (missing !== undefined && missing < 0)',
      },
    ],
  },
  'complete-only-with-the-outcome': {
    keeps: 'a bar from showing 100 % before the outcome',
    mutations: [
      {
        file: 'core/tasks/progress.ts',
        from: 'const mustStayBelow = !finished && total !== null;',
        to: 'const mustStayBelow = false && !finished && total !== null;',
      },
    ],
  },
  'told-once-per-user': {
    keeps: 'each tab from telling of the same outcome',
    mutations: [
      {
        file: 'client/tabs/claim.ts',
        from: 'const fresh = ids.filter((id) => !before.includes(id));',
        to: 'const fresh = ids;',
      },
    ],
  },
  'checkpoints-outlive-workers': {
    keeps: 'the checkpoint of a worker that died for the next attempt',
    mutations: [
      {
        file: 'backend/recovery/lost-workers.ts',
        from: '...(isResumable ? { isResumable } : {})',
        to: "...(isResumable ? { checkpoint: '' } : {})",
      },
    ],
  },
  'hooks-are-leased': {
    keeps: 'an outcome from losing its hook when the worker dies in the middle of it',
    mutations: [
      {
        file: 'backend/store/commands/hook/take-due-hooks.ts',
        from: "redis.call('ZADD', due, now + leaseMs, id)",
        to: "redis.call('ZREM', due, id)",
      },
    ],
  },
  'hooks-are-finished': {
    keeps: 'a hook that has run from running again for the same outcome',
    mutations: [
      {
        file: 'backend/store/commands/hook/finish-hook.ts',
        from: "redis.call('ZREM', due, id)",
        to: '',
      },
    ],
  },
  'ended-tasks-leave-gates': {
    keeps: 'a concurrency key from staying locked by a task that has ended',
    mutations: [
      {
        file: 'backend/store/commands/task/commit-change.ts',
        from: 'leaveGate(taskPrefix, gate, id)',
        to: '',
      },
      // The sweeper would repair it.
      {
        file: 'backend/store/limits/gate-scripts.ts',
        from: "if not ownerIfActive(base, id) then redis.call('ZREM', base .. 'gate:' .. gate, id) end",
        to: '',
      },
    ],
  },
};
