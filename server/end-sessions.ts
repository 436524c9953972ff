/** Signing out, as far as pages and the bus have to know. Serves adopters' own sign-out routes. */

import type { Backend } from '../backend/backend.ts';
import { assertOwner, userIdOf } from '../core/channel.ts';

/**
 * Tells all pages of `owner` that a session has ended; with `userSignIn` also ends their connections to the bus. Goes on
 * behind the caller's back, who is answering a sign-out; says in the log what did not work. Never rejects.
 */
export async function endSessions(
  backend: Backend,
  owner: string,
  options: { readonly userSignIn: boolean },
): Promise<void> {
  const { bus, publisher, log } = backend;
  try {
    assertOwner(owner);
    publisher.publishSessionEnd(owner);
  } catch (error) {
    log.warn('endSessions was given no user id: no page was told', { error });
    return;
  }
  if (!options.userSignIn || publisher.isDown) return;
  bus.endConnections(userIdOf(owner)).catch((error: unknown) => {
    log.warn('The bus did not end the connections of a user who signed out', { error });
  });
}
