/** Reads the text of an event stream (`text/event-stream`) piece by piece. Pure. It serves `live.ts`. */

/** An event of the stream; `data` is JSON. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** The longest event, in characters. For comparison: the overview of 1,000 definitions has about 700,000. */
const MAX_EVENT_LENGTH = 4_000_000;

/**
 * Creates the reader of one stream.
 * @returns a function that takes the next piece of the stream, and returns the events that end in it; comments are left out. It
 * throws RangeError if an event becomes too long.
 */
export function createEventReader(): (piece: string) => StreamEvent[] {
  let rest = '';
  return (piece) => {
    rest += piece;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_EVENT_LENGTH) {
      throw new RangeError(`An event of the stream is longer than ${MAX_EVENT_LENGTH} characters.`);
    }
    return blocks.flatMap((block) => {
      const event = parseBlock(block);
      return event ? [event] : [];
    });
  };
}

function parseBlock(block: string): StreamEvent | null {
  let name = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value = ''] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') name = value;
    if (field === 'data') data.push(value);
  }
  return data.length > 0 ? { name, data: data.join('\n') } : null;
}
