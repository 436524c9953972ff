/**
 * A place in a trace as text: W3C `traceparent`, then a space and `tracestate` if there is one. A record keeps it, and a page
 * sends it. It serves `task-spans.ts`.
 */

import { createTraceState, isSpanContextValid, type SpanContext } from '@opentelemetry/api';

/** `tracestate` may have 512 characters and more. Each record would keep them, so longer ones than this are left out. */
const MAX_TRACE_STATE = 256;
/** Version, trace, span, flags. Later versions than 00 may add further fields. The version ff is not allowed. */
const TRACE_PARENT = /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.{0,100})?$/;

/** The text of a span; undefined if it has none, since no SDK is registered. At most 312 characters. */
export function toTraceText(span: SpanContext): string | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0');
  const state = span.traceState?.serialize() ?? '';
  const parent = `00-${span.traceId}-${span.spanId}-${flags}`;
  return state === '' || state.length > MAX_TRACE_STATE ? parent : `${parent} ${state}`;
}

/** The span that a text names, in another process; undefined if the text is not valid. */
export function fromTraceText(text: string | undefined): SpanContext | undefined {
  const [parent, state = ''] = splitOnce(text ?? '');
  return fromTraceHeaders(parent, state);
}

/** The span that the headers `traceparent` and `tracestate` of a request name; undefined if they name none. */
export function fromTraceHeaders(parent: unknown, state: unknown): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] =
    (typeof parent === 'string' && TRACE_PARENT.exec(parent)) || [];
  if (version === undefined || (version === '00' && more !== undefined)) return undefined;
  const span: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  // All zeros are not valid.
  if (!isSpanContextValid(span)) return undefined;
  const isShort = typeof state === 'string' && state !== '' && state.length <= MAX_TRACE_STATE;
  return isShort ? { ...span, traceState: createTraceState(state) } : span;
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(' ');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
