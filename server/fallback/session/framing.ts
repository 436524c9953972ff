/**
 * The lines that pusher-js reads over HTTP. Each begins with a letter: `o` opens, `a[…]` carries messages, `h` is a
 * heartbeat, `c[code,reason]` closes. Pure. It serves the session and its parts, and `answers.ts`.
 *
 * pusher-js decides by the close code what to do next. With 4001 to 4099, and from 4300 on, it gives up. With 4200 to 4299
 * it connects again at once, with 4000 at once and over TLS, and with any other code after a second.
 */

/** The first line of a session: the connection to the bus is open. */
export const OPEN_LINE = 'o\n';
/** Shows both ends, and proxies between, that the connection still lives. */
export const HEARTBEAT_LINE = 'h\n';

/** Some browsers and proxies hold back the first 2 KiB of an answer. This line fills them. pusher-js reads it as a heartbeat. */
export const PRELUDE_LINE = `${'h'.repeat(2_048)}\n`;

/** pusher-js opens a new request once it has read more than this of one, in UTF-16 code units. */
export const ROTATION_LENGTH = 256 * 1_024;

/** Most characters of messages in one line, before JSON escapes them. A longer message has a line of its own. */
export const MAX_LINE_LENGTH = 32 * 1_024;

/** Why a session ended, as the client is told. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** A line that carries `messages`, as the bus sent them. */
export function messageLine(messages: readonly string[]): string {
  // JSON.stringify escapes lone surrogates, so the client reads the same number of code units that the server has written.
  return `a${JSON.stringify(messages)}\n`;
}

/** The last line of a session: says why it ended. */
export function closeLine({ code, reason }: Close): string {
  return `c${JSON.stringify([code, reason])}\n`;
}

/** How many of `messages`, from the first one on, fit into one line: at least one. */
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
  // With 1002 or 1003, pusher-js would give up this transport. But the fault is the bus's, not the transport's.
  return { code: 1_006, reason: reason || 'The connection to the push server was lost' };
}
