/** The name of an owner's private channel. It serves server and worker. Pages get the name from `GET /connection`. */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { TaskError } from './error.ts';
import { MAX_CHANNEL_LENGTH, MAX_OWNER_LENGTH } from './limits.ts';

const PLAIN_PREFIX = 'private-user-';
const ENCRYPTED_PREFIX = 'private-encrypted-user-';

/**
 * The channel on which `owner`'s tasks are pushed: `private-user-<owner>`, or `private-encrypted-user-<owner>`.
 *
 * Letters, digits and `_-,.;@` stand for themselves. Every other byte of UTF-8 becomes `=` and two upper-case hex digits.
 * If the name is longer than 164 characters, the owner becomes `=sha256-` and 64 hex digits instead. The first form never
 * contains `=s`, so the two forms never collide: different owners always get different channels.
 *
 * @throws TaskError `invalid_owner` (400) if the owner is empty, longer than 1,024 characters, or not well-formed Unicode
 */
export function channelOf(owner: string, options: { readonly encrypted?: boolean } = {}): string {
  assertOwner(owner);
  const prefix = options.encrypted ? ENCRYPTED_PREFIX : PLAIN_PREFIX;
  const name = prefix + encodeOwner(owner);
  return name.length <= MAX_CHANNEL_LENGTH ? name : `${prefix}=sha256-${bytesToHex(sha256(utf8ToBytes(owner)))}`;
}

/**
 * The id under which `owner`'s pages sign in to the bus: what follows `private-user-` in the channel's name. It is the same where
 * channels are encrypted. The id is part of URLs of the bus's API. Soketi does not decode these, so the id must consist of
 * characters that need no encoding.
 */
export function userIdOf(owner: string): string {
  return channelOf(owner).slice(PLAIN_PREFIX.length);
}

/** Whether `channel` could be an owner's channel. The bus also reports channels with other names. */
export function isOwnerChannel(channel: string, options: { readonly encrypted?: boolean } = {}): boolean {
  const prefix = options.encrypted ? ENCRYPTED_PREFIX : PLAIN_PREFIX;
  return channel.length > prefix.length && channel.length <= MAX_CHANNEL_LENGTH && channel.startsWith(prefix);
}

/** Throws unless `owner` can own tasks. @throws TaskError `invalid_owner` (400) */
export function assertOwner(owner: unknown): asserts owner is string {
  if (typeof owner === 'string' && owner !== '' && owner.length <= MAX_OWNER_LENGTH && isWellFormed(owner)) return;
  throw new TaskError(
    'invalid_owner',
    `The owner of a task must be a text of 1 to ${MAX_OWNER_LENGTH} characters of valid Unicode (a user's id), got ${
      typeof owner === 'string' ? `one of ${owner.length} characters` : owner === null ? 'null' : typeof owner
    }.`,
    { retryable: false, status: 400 },
  );
}

function encodeOwner(owner: string): string {
  // encodeURIComponent encodes UTF-8 without TextEncoder, for which core has no types. It escapes `,;@`, which channels
  // allow, and does not escape `!~*'()`, which they do not allow.
  return encodeURIComponent(owner)
    .replaceAll('%2C', ',')
    .replaceAll('%3B', ';')
    .replaceAll('%40', '@')
    .replaceAll('%', '=')
    .replace(/[!~*'()]/g, (char) => `=${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function isWellFormed(text: string): boolean {
  // With the `u` flag this matches only halves of a surrogate pair that stand alone.
  return !/\p{Surrogate}/u.test(text);
}
