/**
 * Watches who looks at the page. It asks the server every 30 s, whenever the page becomes visible, and when another call was
 * refused. So a page whose operator has signed out, or has lost the right to see it, does not go on showing what it has.
 *
 * It calls back only for a change: to a session, to another one, or to none. While there is none it asks every 5 s.
 */

import type { OperatorSession } from '../../core/operator/calls.ts';
import { CallError } from './api.ts';

/** The time between two questions while there is a session, and while there is none. */
const ASK_EVERY_MS = 30_000;
const ASK_AGAIN_MS = 5_000;

/** Stands for the session while the server refuses to name one. */
const REFUSED = 'refused';

export interface SessionWatchOptions {
  /** Asks the server for the session. @throws CallError */
  readonly ask: () => Promise<OperatorSession>;
  /** There is a session: for the first time, again, or with another operator or other rights than before. */
  readonly onSession: (session: OperatorSession) => void;
  /** There is no session, or none any more. Called once, until there is one again. */
  readonly onRefused: () => void;
  /** A question has failed, and it is not known yet who looks. Called at each failure until a session or a refusal comes. */
  readonly onTrouble: (error: CallError) => void;
  readonly timing: {
    /** Calls back once after `ms`. @returns a function that prevents that */
    readonly wait: (callback: () => void, ms: number) => () => void;
    readonly isHidden: () => boolean;
  };
}

/** A watch that runs. */
export interface SessionWatch {
  /** Asks now: the page has become visible, or a call was refused. Does nothing while the page is hidden. */
  check(): void;
}

/** Starts to watch. Asks for the first time at once, unless the page is hidden. */
export function watchSession({ ask, onSession, onRefused, onTrouble, timing }: SessionWatchOptions): SessionWatch {
  /** The last session as JSON; `refused` while there is none, and null before the first answer. */
  let known: string | null = null;
  let isAsking = false;
  /** Whether to ask once more after the question under way. */
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
      const hasSession = known !== null && known !== REFUSED;
      stopWaiting = timing.wait(check, hasSession ? ASK_EVERY_MS : ASK_AGAIN_MS);
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
      // While the server is away it has not refused, so what is shown stays.
      if (error.isRefusal && known !== REFUSED) {
        known = REFUSED;
        onRefused();
      } else if (!error.isRefusal && known === null) onTrouble(error);
    }
  }

  function check(): void {
    // While a question is under way, something may have been refused after the server answered it. So it is asked once more.
    isWanted = true;
    if (!isAsking && !timing.isHidden()) void run();
  }

  check();
  return { check };
}
