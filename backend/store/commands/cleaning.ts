/**
 * When and where a command removes ids whose records have expired. It serves create-task and commit-change, so that an
 * index stays small even if its owner never looks at a list.
 *
 * Cleaning looks at 64 ids on one in 8 calls. So it removes up to 8 ids for each one that is added: an index with many
 * dead ids shrinks.
 */

const CLEAN_ONE_IN = 8;
/** How many ids one cleaning looks at. */
const CLEAN_AT_MOST = 64;

/** Where a new task looks for dead ids among those of its owner. */
export interface IndexCleaning {
  /** How many ids to look at; 0 for no cleaning. */
  readonly most: number;
  readonly index: 'all' | 'unseen';
  /** From where on: 0 for the oldest id, up to 1 for the newest. */
  readonly from: number;
}

/** How many ids of old outcomes to remove from `unpublished`; mostly 0. */
export function chooseHowMany(): number {
  return Math.random() < 1 / CLEAN_ONE_IN ? CLEAN_AT_MOST : 0;
}

/** Where to look this time; mostly nowhere. */
export function chooseCleaning(): IndexCleaning {
  const most = chooseHowMany();
  if (most === 0) return { most, index: 'all', from: 0 };
  // The oldest ids expire first. But a task that is never finished is kept for ever, and dead ids may stand behind it.
  const from = Math.random() < 0.5 ? 0 : Math.random();
  // Removing an id from `all` removes it from the other indexes. Only version 0.1.0 left ids in `unseen` that `all` lacks.
  return { most, index: Math.random() < 0.25 ? 'unseen' : 'all', from };
}
