/** Carries an act out batch by batch, as the server wants it: one call changes a limited number of tasks. Pure but for its calls. */

import type { Act, ActResult } from '../../../core/operator/acts.ts';
import type { Api } from '../api.ts';

/** How many refusals are kept, to be shown. */
const MOST_REFUSALS = 20;

/** What became of the tasks, over all batches so far. */
export type Total = Pick<ActResult, 'done' | 'refused' | 'refusals'>;

export const NOTHING_DONE: Total = { done: 0, refused: 0, refusals: [] };

/** Yields after each batch; whoever does not go on stops the act there. @param token of the preview. Throws CallError. */
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
