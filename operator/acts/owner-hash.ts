/**
 * Names an owner in the list of acts without saying who it is: the same owner always has the same hash, so that an operator
 * can tell whether two acts were about the same one.
 *
 * The hash is keyed. By a plain hash, whoever reads the list could test whether an owner they guess is in it. The key is
 * derived from the secret of the bus, which every server has and Redis has not: neither the page, nor the log, nor a copy of
 * Redis is enough to test a guess. With another secret the same owner has another hash.
 */

import { createHmac } from 'node:crypto';

/** Keys for other purposes that are derived from the same secret are other keys. */
const PURPOSE = 'inloop operator: owners in the list of acts';
const HEX_DIGITS = 16;

/** @param secret of the bus (`PUSHER_SECRET`) @returns a function from an owner to 16 hex digits */
export function createOwnerHash(secret: string): (owner: string) => string {
  const key = createHmac('sha256', secret).update(PURPOSE).digest();
  return (owner) => createHmac('sha256', key).update(owner).digest('hex').slice(0, HEX_DIGITS);
}
