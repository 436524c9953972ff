import { describe, expect, it } from '@jest/globals';
import { createTraceState, INVALID_SPAN_CONTEXT } from '@opentelemetry/api';
import fc from 'fast-check';
import { fromTraceHeaders, fromTraceText, toTraceText } from './trace-text.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const VALID = `00-${TRACE}-${SPAN}-01`;

describe('a place in a trace', () => {
  it('is the same after it was stored', () => {
    const hex = (length: number) =>
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
    const isSet = (id: string) => /[^0]/.test(id);
    const place = fc.tuple(hex(32).filter(isSet), hex(16).filter(isSet), fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(place, ([traceId, spanId, isSampled, hasState]) => {
        const traceState = hasState ? createTraceState('a=1,b=2') : undefined;
        const stored = toTraceText({
          traceId,
          spanId,
          traceFlags: isSampled ? 1 : 0,
          ...(traceState && { traceState }),
        });
        const read = fromTraceText(stored);
        expect([read?.traceId, read?.spanId, read?.traceFlags]).toEqual([traceId, spanId, isSampled ? 1 : 0]);
        expect([read?.isRemote, read?.traceState?.serialize()]).toEqual([true, traceState?.serialize()]);
      }),
    );
  });

  it('has at most 312 characters: a longer tracestate is left out', () => {
    const place = { traceId: TRACE, spanId: SPAN, traceFlags: 1 };
    const stored = (length: number) =>
      toTraceText({ ...place, traceState: createTraceState(`a=${'x'.repeat(length)}`) });
    // 55 characters of the traceparent, a space, and 256 of the tracestate: `a=` and 254 more.
    expect(stored(254)).toHaveLength(312);
    expect(stored(255)).toBe(VALID);
  });

  it('is none where no SDK is registered', () => {
    expect(toTraceText(INVALID_SPAN_CONTEXT)).toBeUndefined();
    expect(fromTraceText(undefined)).toBeUndefined();
  });
});

describe('the headers of a request', () => {
  it.each([
    ['the format of today', VALID],
    ['a later version with further fields', `01-${TRACE}-${SPAN}-01-whatever`],
    ['a later version without', `fe-${TRACE}-${SPAN}-00`],
  ])('name a place in a trace: %s', (_what, header) => {
    expect(fromTraceHeaders(header, undefined)).toMatchObject({ traceId: TRACE, spanId: SPAN, isRemote: true });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty text', ''],
    ['a list', [VALID]],
    ['two headers, as Node joins them', `${VALID}, ${VALID}`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['version 00 with further fields', `${VALID}-more`],
    ['upper case', VALID.toUpperCase()],
    ['a line break', `${VALID}\r\nx: y`],
    ['a line break at the end', `${VALID}\n`],
    ['a space before', ` ${VALID}`],
    ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['no hexadecimal number', `00-${TRACE.slice(1)}g-${SPAN}-01`],
    ['a megabyte', `01-${TRACE}-${SPAN}-01-${'x'.repeat(1_000_000)}`],
    ['a Lua script', "00-'..redis.call('FLUSHALL')..'-01"],
  ])('name none: %s', (_what, header) => {
    expect(fromTraceHeaders(header, 'a=1')).toBeUndefined();
  });

  it.each<[string, unknown, string | undefined]>([
    ['a list', ['a=1'], undefined],
    ['longer than 256 characters', `a=${'x'.repeat(255)}`, undefined],
    ['malformed members', 'a=1,=,b\u0000=2,c', 'a=1'],
  ])('keep only a good tracestate: %s', (_what, header, kept) => {
    expect(fromTraceHeaders(VALID, header)?.traceState?.serialize()).toBe(kept);
  });
});
