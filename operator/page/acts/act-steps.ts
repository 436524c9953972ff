/** Carries an act out step by step: one call of the server changes a limited number of tasks. Pure but for its calls. */

import type { Act, ActResult } from '../../../core/operator/acts.ts';
import type { Api } from '../api.ts';

/** How many refusals are kept, to be shown to the operator. */
const MOST_REFUSALS = 20;

/** What became of the tasks, over all steps so far. */
export type Total = Pick<ActResult, 'done' | 'refused' | 'refusals'>;

export const NOTHING_DONE: Total = { done: 0, refused: 0, refusals: [] };

/**
 * Carries an act out. Yields after each step; a caller that leaves the loop stops the act there.
 * @param token of the preview
 * @throws CallError
 */
export async function* carryOut(
  api: Pick<Api, 'act'>,
  act: Act,
  token: string,
): AsyncGenerator<{ readonly total: Total; readonly hasMore: boolean }> {
  let total = NOTHING_DONE;
  for (let next: string | null = token; next !== null; ) {
    const result: ActResult = await api.act({ act, token: next });
    total = {
      done: total.done + result.done,
      refused: total.refused + result.refused,
      refusals: [...total.refusals, ...result.refusals].slice(0, MOST_REFUSALS),
    };
    next = result.next;
    yield { total, hasMore: next !== null };
  }
}
