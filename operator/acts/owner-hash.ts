/**
 * Names an owner in the audit log without saying who it is. An owner has the same hash as long as the secret of the bus stays the
 * same, so an operator can tell whether two acts were about the same owner.
 *
 * The hash is keyed. With a plain hash, whoever reads the audit log could hash the owner they guess, and look for that. The key
 * is derived from the secret of the bus, which every server has. The secret is not in Redis, so neither the page, nor the log, nor
 * a copy of Redis is enough to test a guess.
 */

import { createHmac } from 'node:crypto';

/** Goes into the key. A key that is derived from the same secret for another purpose is another key. Changing it changes all hashes. */
const PURPOSE = 'inloop operator: owners in the list of acts';
const HEX_DIGITS = 16;

/** @param secret of the bus (`PUSHER_SECRET`) @returns a function from an owner to 16 hex digits */
export function createOwnerHash(secret: string): (owner: string) => string {
  const key = createHmac('sha256', secret).update(PURPOSE).digest();
  return (owner) => createHmac('sha256', key).update(owner).digest('hex').slice(0, HEX_DIGITS);
}
