/**
 * Whose tasks the feed is about. Anybody may sign out or in at any moment, in this tab or in another, so each answer is
 * judged before it is used: what is for somebody else is dropped, and nothing that was known before stays.
 */

import type { Timing } from '../environment.ts';

/** Within this time a second change of user is no change but a contradiction, in milliseconds. */
const DISPUTE = 2_000;

export interface UserOptions {
  readonly timing: Pick<Timing, 'now'>;
  /** All that is known is somebody else's now, or nobody's: it has to go at once. */
  readonly onForget: () => void;
  /** It is known whose tasks they are, or at least that somebody is signed in again. */
  readonly onKnown: () => void;
}

export interface User {
  /** Their channel, without the mark of encryption; null while nobody is known. */
  readonly channel: string | null;
  /** The last word of the server was 401. */
  readonly isSignedOut: boolean;
  /** Answers contradict each other about who is signed in. Then it is asked no more than about other failures. */
  readonly isDisputed: boolean;
  /** Grows whenever all that is known was forgotten: answers to what was asked before are void. */
  readonly generation: number;
  /**
   * Learns from an answer. It may be used where `generation` is still what it was when it was asked for.
   * @param channel its header `Inloop-Channel`, or null where it has none (an older server, or one behind a proxy that hides it)
   * @param generation when it was asked for
   */
  judge(status: number, channel: string | null, generation: number): void;
  /** The server names the channel by other means. */
  turnTo(channel: string): void;
}

export function createUser({ timing, onForget, onKnown }: UserOptions): User {
  let channel: string | null = null;
  let isSignedOut = false;
  let generation = 0;
  let forgottenAt = Number.NEGATIVE_INFINITY;
  let disputedUntil = Number.NEGATIVE_INFINITY;

  function forget(): void {
    const now = timing.now();
    if (now - forgottenAt < DISPUTE) disputedUntil = now + DISPUTE;
    forgottenAt = now;
    generation++;
    channel = null;
    onForget();
  }

  function turnTo(named: string | null): void {
    // While a key is being brought in, some servers name the one form of a user's channel and some the other.
    const next = named?.replace(/^private-encrypted-/, 'private-') ?? null;
    const isNews = isSignedOut || next !== channel;
    if (channel !== null && next !== channel) forget();
    isSignedOut = false;
    channel = next;
    if (isNews) onKnown();
  }

  return {
    get channel() {
      return channel;
    },
    get isSignedOut() {
      return isSignedOut;
    },
    get isDisputed() {
      return timing.now() < disputedUntil;
    },
    get generation() {
      return generation;
    },
    turnTo,
    judge(status, named, asked) {
      if (asked !== generation) return;
      if (status === 401) {
        const isNews = !isSignedOut;
        isSignedOut = true;
        if (isNews) forget();
      } else if (named !== null) turnTo(named);
      else if (isSignedOut && status < 400) turnTo(null);
    },
  };
}
