/**
 * Says what an error of Redis means: connect to another server, try again later, or fix a bug of ours. It serves everything
 * that talks to Redis.
 */

import { ErrorReply, MultiErrorReply } from '@redis/client';

/**
 * - `away`: no answer, or not in time. The command may have been done or not.
 * - `refused`: Redis does not do the command now. Nothing was done, except by a script that lacks a right for one of its
 *   later writes ({@link wasNotDone}).
 * - `bug`: the command is wrong. Trying again does not help.
 */
export type FaultKind = 'away' | 'refused' | 'bug';

/** What an error of Redis means. */
export interface Fault {
  readonly kind: FaultKind;
  /** Whether this server refuses what another one may accept. A new connection may reach that one. */
  readonly shouldReconnect: boolean;
  /** What happened; if known, what it means and what to do. One line, no secrets. */
  readonly text: string;
}

/** This Redis must not be used. The message says why and what to do. */
export class UnusableRedisError extends Error {
  override readonly name = 'UnusableRedisError';
}

/** Redis or its sentinels do not answer, or the answer cannot be read. The message says what happened. */
export class AwayError extends Error {
  override readonly name = 'AwayError';
}

/** This process closed the connection, so there is no answer any more. Trying again does not help. */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';

  constructor(message = 'the connection to Redis was closed by this process') {
    super(message);
  }
}

/** There was no connection in time. The reason went to `onFault` of the connection. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
}

/** Errors that a new connection may solve: another server may answer at the address, or the password may be valid by then. */
const RECONNECT: Readonly<Record<string, string>> = {
  READONLY: 'it is a replica; looking for the primary at the same address',
  MASTERDOWN: 'it is a replica without its primary; looking for the primary at the same address',
  NOREPLICAS: 'it has too few replicas to take writes (min-replicas-to-write)',
  UNBLOCKED: 'it has just become a replica; looking for the primary at the same address',
  LOADING: 'it has just been started and reads its data',
  MOVED: 'it is a cluster, and this node does not hold our keys',
  CLUSTERDOWN: 'its cluster is incomplete',
  NOAUTH: 'it wants a password: put it into the address, as in redis://:password@host:6379',
  WRONGPASS: 'user or password in its address are wrong; each is percent-encoded there',
};

/** Errors by which Redis refuses a command for now. */
const REFUSED: Readonly<Record<string, string>> = {
  OOM: 'its memory is full (maxmemory); tasks are neither accepted nor started until some is free',
  MISCONF: 'it cannot write to its disk, so it takes no writes',
  NOPERM: 'its user lacks a right; docs/redis.md lists those that are needed',
  CROSSSLOT: 'it is a cluster; give createBackend a prefix with a hash tag, such as {inloop}:',
  BUSY: 'somebody’s script keeps it busy',
  TRYAGAIN: 'its cluster is moving keys',
};

const RIGHT_MISSING = /NOPERM|user executing the script can't/;
/** The words of refusals that have no code of their own, in the versions from 6.2 on. */
const REFUSED_IN_WORDS =
  /max number of clients|unknown command|user executing the script can't|without any password configured/i;

/** Finds one of these codes in the text of an error. */
const CODES = new RegExp(`(?:^|[^A-Z])(${[...Object.keys(RECONNECT), ...Object.keys(REFUSED)].join('|')})(?![A-Z])`);

/**
 * What the error of a call to Redis means. An error that Redis has not answered counts as `bug` if it is a TypeError or the
 * like, and as `away` if it is any other.
 */
export function faultOf(error: unknown): Fault {
  if (error instanceof UnusableRedisError) return { kind: 'refused', shouldReconnect: false, text: error.message };
  const reply = replyIn(error);
  if (reply !== null) return faultOfReply(reply);
  const isBug = error instanceof Error && /^(Type|Range|Syntax|Reference)Error$/.test(error.name);
  return { kind: isBug ? 'bug' : 'away', shouldReconnect: false, text: withTlsHint(error) };
}

/** What an error means, by its text: as Redis answers it, or as a script catches it. */
export function faultOfReply(reply: string): Fault {
  const line = reply.split('\n', 1)[0] ?? '';
  // For an error inside a script, the code stands anywhere in the text. Before version 7: after "ERR Error running script".
  const code = CODES.exec(line)?.[1] ?? '';
  const shouldReconnect = code in RECONNECT;
  const meaning = RECONNECT[code] ?? REFUSED[code];
  if (meaning !== undefined) return { kind: 'refused', shouldReconnect, text: `${meaning} (${line})` };
  return { kind: REFUSED_IN_WORDS.test(line) ? 'refused' : 'bug', shouldReconnect, text: line };
}

/** Whether a command that failed was not done and will not be: Redis refused it, or was never asked. */
export function wasNotDone(error: unknown): boolean {
  if (error instanceof NotConnectedError) return true;
  const { kind, text } = faultOf(error);
  // A full memory or a replica refuses the first write of a script. But a right may be missing for the last write only.
  return kind === 'refused' && !RIGHT_MISSING.test(text);
}

/** What Redis answered, or null if it did not answer. */
function replyIn(error: unknown): string | null {
  if (error instanceof MultiErrorReply) return error.errors().next().value?.message ?? error.message;
  return error instanceof ErrorReply ? error.message : null;
}

/** Node's codes for a certificate whose signer is not known. */
const UNKNOWN_SIGNER =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+_ISSUER\w*|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/;

function withTlsHint(error: unknown): string {
  const { code, message, errors } = Object(error) as Partial<NodeJS.ErrnoException & AggregateError>;
  // A name with several addresses: one error for each, in `errors`, and no message.
  const text = message || String(errors?.[0]?.message ?? error);
  if (code === undefined || !UNKNOWN_SIGNER.test(code)) return text;
  return `${text}: give the CA's certificate to createBackend({ redis: { url, tls: { ca } } }) or NODE_EXTRA_CA_CERTS`;
}
