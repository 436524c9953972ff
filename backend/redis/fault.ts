/**
 * What an error of Redis means to us. It serves everybody who talks to Redis: whether to look for another server, to
 * wait, or to own up to a bug is decided here and nowhere else.
 */

import { ErrorReply, MultiErrorReply } from '@redis/client';

/**
 * - `away`: nobody answered, or not in time. What was asked may or may not have been done.
 * - `refused`: Redis will not do it now. Nothing was done.
 * - `bug`: what we asked makes no sense; asking again would not help.
 */
export type FaultKind = 'away' | 'refused' | 'bug';

export interface Fault {
  readonly kind: FaultKind;
  /** This server refuses, and connecting anew may lead to one that does not. */
  readonly isElsewhere: boolean;
  /** What happened, and where it is known what it means and what to do. One line, no secrets. */
  readonly text: string;
}

/** We looked at a Redis and must not use it. The message says why and what to do. */
export class UnusableRedisError extends Error {
  override readonly name = 'UnusableRedisError';
}

/** There was no connection in time; why not is told by who tries to connect. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
}

/** What connecting anew may cure: by then another server may answer at the address, or the password be in force. */
const ELSEWHERE: Readonly<Record<string, string>> = {
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

const REFUSED: Readonly<Record<string, string>> = {
  OOM: 'its memory is full (maxmemory); tasks are neither accepted nor started until some is free',
  MISCONF: 'it cannot write to its disk, so it takes no writes',
  NOPERM: 'its user lacks a right; docs/redis.md lists those that are needed',
  CROSSSLOT: 'it is a cluster; give createBackend a prefix with a hash tag, such as {inloop}:',
  BUSY: 'somebody’s script keeps it busy',
  TRYAGAIN: 'its cluster is moving keys',
};

const RIGHT_MISSING = /NOPERM|user executing the script can't/;
/** Errors without a code of their own: what they begin with or hold, in the versions from 6.2 on. */
const REFUSED_IN_WORDS =
  /max number of clients|unknown command|user executing the script can't|without any password configured/i;

const CODES = new RegExp(`(?:^|[^A-Z])(${[...Object.keys(ELSEWHERE), ...Object.keys(REFUSED)].join('|')})(?![A-Z])`);

export function faultOf(error: unknown): Fault {
  if (error instanceof UnusableRedisError) return { kind: 'refused', isElsewhere: false, text: error.message };
  const reply = replyIn(error);
  if (reply !== null) return faultOfReply(reply);
  const isBug = error instanceof Error && /^(Type|Range|Syntax|Reference)Error$/.test(error.name);
  return { kind: isBug ? 'bug' : 'away', isElsewhere: false, text: withTlsHint(error) };
}

/** The same of the text of an error, as Redis answers it or a script catches it. */
export function faultOfReply(reply: string): Fault {
  const line = reply.split('\n', 1)[0] ?? '';
  // Inside a script the code stands somewhere in the text, before version 7 after "ERR Error running script".
  const code = CODES.exec(line)?.[1] ?? '';
  const isElsewhere = code in ELSEWHERE;
  const meaning = ELSEWHERE[code] ?? REFUSED[code];
  if (meaning !== undefined) return { kind: 'refused', isElsewhere, text: `${meaning} (${line})` };
  return { kind: REFUSED_IN_WORDS.test(line) ? 'refused' : 'bug', isElsewhere, text: line };
}

/** Whether Redis said no or was never asked, so that nothing has been done and nothing will be. */
export function wasNotDone(error: unknown): boolean {
  if (error instanceof NotConnectedError) return true;
  const { kind, text } = faultOf(error);
  // A full memory or a replica refuse the first write of a script; a right may be lacking for the last only.
  return kind === 'refused' && !RIGHT_MISSING.test(text);
}

/** What Redis answered, or null where it did not. */
function replyIn(error: unknown): string | null {
  if (error instanceof MultiErrorReply) return error.errors().next().value?.message ?? error.message;
  return error instanceof ErrorReply ? error.message : null;
}

/** Node's codes for a certificate whose signer is not known. */
const UNKNOWN_SIGNER =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+_ISSUER\w*|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/;

function withTlsHint(error: unknown): string {
  const { code, message, errors } = Object(error) as Partial<NodeJS.ErrnoException & AggregateError>;
  // A name with several addresses: one error each, and none of its own.
  const text = message || String(errors?.[0]?.message ?? error);
  if (code === undefined || !UNKNOWN_SIGNER.test(code)) return text;
  return `${text}: give the CA's certificate to createBackend({ redis: { url, tls: { ca } } }) or NODE_EXTRA_CA_CERTS`;
}
