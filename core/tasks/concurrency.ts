/**
 * The option `concurrency` of `defineTask`: how many tasks with the same key may be at work at once, and what happens when one
 * more is started. It serves `defineTask`. The store enforces it (backend/store/limits/gate-scripts.ts).
 *
 * A task is *at work* from when it may start until it has an outcome. So a task that waits for a free worker, or for its next
 * attempt, is at work too.
 */

import { refuseDefinition } from '../values/options.ts';
import { describe } from '../values/text.ts';

/** See {@link WhenBusy}. */
export const WHEN_BUSY = ['wait', 'join', 'replace', 'refuse'] as const;
/** What happens when a task is started although `limit` tasks with its key are at work. */
export type WhenBusy = (typeof WHEN_BUSY)[number];

/** What `defineTask({ concurrency })` takes. */
export interface ConcurrencyOptions<Input> {
  /**
   * Makes the key from the parsed input: a text of 1 to 1,024 characters. Only tasks of this definition count, and with `join`
   * and `replace` only those of the same owner. If the function throws, `start` throws the same.
   */
  readonly key: (input: Input, owner: string) => string;
  /** How many tasks with one key may be at work at once, 1 to 100. Default 1. */
  readonly limit?: number;
  /**
   * What happens to one more:
   * - `wait` (the default): it is `queued`, and starts when one of the others has ended. The one that was queued first is next.
   * - `join`: nothing is started; `start` resolves with the task that is at work.
   * - `replace`: the oldest of the others is cancelled, and the new one starts when that has ended.
   * - `refuse`: nothing is started; `start` rejects with TaskError `already_under_way` (409).
   */
  readonly whenBusy?: WhenBusy;
}

/** The option, checked, with defaults filled in. */
export interface Concurrency {
  readonly limit: number;
  readonly whenBusy: WhenBusy;
  /**
   * A text that is the same for those tasks of the definition that count together.
   * @throws ConfigError `invalid_definition`; what `key` throws
   */
  keyOf(input: unknown, owner: string): string;
}

const MAX_KEY_LENGTH = 1_024;
/** The script that stores a task looks at every task at work with the same key, so their number is limited. */
const MAX_LIMIT = 100;

/**
 * Checks the option. Null if it is not given.
 * @param what the option, for messages: `defineTask("import"): concurrency`
 * @throws ConfigError `invalid_definition`
 */
export function toConcurrency<Input>(options: ConcurrencyOptions<Input> | undefined, what: string): Concurrency | null {
  if (options === undefined) return null;
  const expected = `expected an object like { key: (input) => input.id, whenBusy: 'wait' }`;
  if (options === null || typeof options !== 'object')
    refuseDefinition(`${what}: ${expected}, got ${describe(options)}.`);
  const unknown = Object.keys(options).find((name) => !['key', 'limit', 'whenBusy'].includes(name));
  if (unknown !== undefined) refuseDefinition(`${what}.${unknown} is not known; there are key, limit and whenBusy.`);
  const { key, limit = 1, whenBusy = 'wait' } = options;
  if (typeof key !== 'function') {
    refuseDefinition(
      `${what}.key must be a function that makes a text of the input and the owner, got ${describe(key)}.`,
    );
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    refuseDefinition(`${what}.limit must be a whole number from 1 to ${MAX_LIMIT}, got ${describe(limit)}.`);
  }
  if (!WHEN_BUSY.includes(whenBusy)) {
    refuseDefinition(`${what}.whenBusy must be 'wait', 'join', 'replace' or 'refuse', got ${describe(whenBusy)}.`);
  }
  // `join` shows an existing task, and `replace` cancels one. Nobody may do either to another owner's task.
  const isPerOwner = whenBusy === 'join' || whenBusy === 'replace';
  return {
    limit,
    whenBusy,
    keyOf(input, owner) {
      const text: unknown = key(input as Input, owner);
      if (typeof text !== 'string' || text === '' || text.length > MAX_KEY_LENGTH) {
        const got = text instanceof Promise ? 'a promise' : describe(text);
        refuseDefinition(`${what}.key must return a text of 1 to ${MAX_KEY_LENGTH} characters, got ${got}.`);
      }
      return JSON.stringify(isPerOwner ? [text, owner] : [text]);
    },
  };
}
