/**
 * Knows who looks at the page. It asks the server every 30 s, whenever the page becomes visible, and when another call was
 * refused. So a page whose operator has lost the right to it, or has signed out, does not go on showing what it has.
 *
 * It tells of a change only: a session, another one, or none. While nobody may see the page it goes on asking.
 */

import type { OperatorSession } from '../../core/operator/calls.ts';
import { CallError } from './api.ts';

/** The time between two questions, in milliseconds: while the page is shown, and while nobody may see it. */
export const ASK_EVERY = 30_000;
export const ASK_AGAIN = 5_000;

/** Stands in the place of a session while nobody may see the page. */
const REFUSED = 'refused';

export interface SessionWatchOptions {
  /** Throws CallError. */
  readonly ask: () => Promise<OperatorSession>;
  /** Somebody may see the page: for the first time, again, or with other rights than before. */
  readonly onSession: (session: OperatorSession) => void;
  /** Nobody may see it any more. Called once, until there is a session again. */
  readonly onRefused: () => void;
  /** It is not known yet who looks: the server does not answer. Called each time. */
  readonly onTrouble: (error: CallError) => void;
  readonly timing: {
    /** Calls back after so many milliseconds. @returns what stops it */
    readonly wait: (callback: () => void, ms: number) => () => void;
    readonly isHidden: () => boolean;
  };
}

export interface SessionWatch {
  /** Asks now: the page has become visible, or a call was refused. Does nothing while the page is hidden. */
  check(): void;
}

/** Asks for the first time at once, unless the page is hidden. */
export function watchSession({ ask, onSession, onRefused, onTrouble, timing }: SessionWatchOptions): SessionWatch {
  /** The last session as JSON; `refused` while there is none, and null before the first answer. */
  let known: string | null = null;
  let isAsking = false;
  let isWanted = false;
  let stopWaiting = () => {};

  async function run(): Promise<void> {
    isAsking = true;
    stopWaiting();
    try {
      do {
        isWanted = false;
        await askOnce();
      } while (isWanted && !timing.isHidden());
    } finally {
      isAsking = false;
      const isShown = known !== null && known !== REFUSED;
      stopWaiting = timing.wait(check, isShown ? ASK_EVERY : ASK_AGAIN);
    }
  }

  async function askOnce(): Promise<void> {
    try {
      const session = await ask();
      const answer = JSON.stringify(session);
      if (answer === known) return;
      known = answer;
      onSession(session);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // What is shown stays while the server is away: it has not said no.
      if (error.isRefusal && known !== REFUSED) {
        known = REFUSED;
        onRefused();
      } else if (!error.isRefusal && known === null) onTrouble(error);
    }
  }

  function check(): void {
    // A call that was refused while this one is under way may be newer than its answer.
    isWanted = true;
    if (!isAsking && !timing.isHidden()) void run();
  }

  check();
  return { check };
}
