/**
 * What travels down to pusher-js over HTTP: lines, each with a letter in front. `o` opens, `a[…]` carries messages,
 * `h` is a heartbeat, `c[code,reason]` closes. Pure; serves `session.ts` and `receiver.ts`.
 *
 * Close codes decide what pusher-js does next: 4000-4099 and from 4300 it goes away for good, 4100-4199 it comes back
 * after a second, 4200-4299 at once, anything below 4000 after a second.
 */

export const OPEN_LINE = 'o\n';
export const HEARTBEAT_LINE = 'h\n';

/** Wakes up browsers and proxies that show nothing of an answer before its first 2 KiB. pusher-js takes it for a heartbeat. */
export const PRELUDE_LINE = `${'h'.repeat(2_048)}\n`;

/** pusher-js opens a new request once it has read more than this of one, in UTF-16 code units. */
export const ROTATION_LENGTH = 256 * 1_024;

/** Longest message line, unless a single message is longer. */
export const MAX_LINE_LENGTH = 32 * 1_024;

/** Why a session ended, as the client is told. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** A line that carries `messages`, as the bus sent them. */
export function messageLine(messages: readonly string[]): string {
  // JSON.stringify escapes half surrogate pairs, so client and server count the same length.
  return `a${JSON.stringify(messages)}\n`;
}

export function closeLine({ code, reason }: Close): string {
  return `c${JSON.stringify([code, reason])}\n`;
}

/** How many of the first `messages` go into one line: as many as fit, and at least one. */
export function fitLine(messages: readonly string[]): number {
  let length = 0;
  for (const [index, message] of messages.entries()) {
    length += message.length;
    if (index > 0 && length > MAX_LINE_LENGTH) return index;
  }
  return messages.length;
}

/** The close that the client is to see when the connection to the bus ended with `code`. */
export function closeFrom(code: number, reason: string): Close {
  if (code >= 4_000) return { code, reason };
  // 1002 to 1004 would make pusher-js give up this transport, for a fault that is none of its own.
  return { code: 1_006, reason: reason || 'The connection to the push server was lost' };
}
