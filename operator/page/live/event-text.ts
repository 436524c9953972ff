/** Reads the text of an event stream (`text/event-stream`) piece by piece. Pure. It serves `live.ts`. */

/** An event of the stream; `data` is JSON. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** The longest event, in characters. The overview of 1,000 definitions has about 700,000. */
const MAX_EVENT = 4_000_000;

/**
 * A function that takes the next piece of the stream and returns the events that it completes. Comments are no events.
 * @throws RangeError if an event does not end
 */
export function createEventReader(): (piece: string) => StreamEvent[] {
  let rest = '';
  return (piece) => {
    rest += piece;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_EVENT) throw new RangeError(`An event of the stream is longer than ${MAX_EVENT} characters.`);
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
