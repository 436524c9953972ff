import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyText } from '../../../test/support/fakes/any-value.ts';
import { closeFrom, closeLine, fitLine, MAX_LINE_LENGTH, messageLine } from './framing.ts';

describe('lines', () => {
  it('carry any text, one line each', () => {
    fc.assert(
      fc.property(fc.array(anyText(), { minLength: 1 }), (messages) => {
        const line = messageLine(messages);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        // A line is a letter, JSON and a line break.
        expect(JSON.parse(line.slice(1))).toEqual(messages);
      }),
    );
  });

  it('hold at least one message, and otherwise no more than fit', () => {
    expect(fitLine(['x'.repeat(MAX_LINE_LENGTH * 2), 'y'])).toBe(1);
    expect(fitLine(['x'.repeat(MAX_LINE_LENGTH - 1), 'y', 'z'])).toBe(2);
    expect(fitLine(['a', 'b'])).toBe(2);
  });

  it('close in words that cannot break the line', () => {
    expect(closeLine({ code: 4200, reason: 'a\n"b"' })).toBe('c[4200,"a\\n\\"b\\""]\n');
  });

  it('pass Pusher close codes through, and never tell pusher-js to give up on the transport', () => {
    for (const code of [4001, 4009, 4100, 4200, 4301]) expect(closeFrom(code, 'r')).toEqual({ code, reason: 'r' });
    for (const code of [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1011]) expect(closeFrom(code, '').code).toBe(1006);
  });
});
