/** Tells pages and the bus that a user has signed out. It serves the sign-out route of an application. */

import type { ServerBackend } from '../backend/server-backend.ts';
import { assertOwner, userIdOf } from '../core/channel.ts';

/**
 * Tells all pages of `owner` that a session has ended. With `userSignIn` it also asks the bus to end their connections, unless
 * the bus is down. It does not wait for the bus, because the caller is answering a request. Failures are logged. Never rejects.
 */
export async function endSessions(
  backend: ServerBackend,
  owner: string,
  options: { readonly userSignIn: boolean },
): Promise<void> {
  const { bus, publisher, events } = backend;
  try {
    assertOwner(owner);
    publisher.publishSessionEnd(owner);
  } catch (error) {
    events.emit('sign-out.without-owner', () => ({}), { error });
    return;
  }
  if (!options.userSignIn || publisher.isDown) return;
  bus.endConnections(userIdOf(owner)).catch((error: unknown) => {
    events.emit('sign-out.incomplete', () => ({}), { error });
  });
}
