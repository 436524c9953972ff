/**
 * Checks what clients send: only well-formed frames of the Pusher protocol reach the bus. A malformed frame stops a Soketi
 * that is not hardened, and with it the connections of all clients. Pure. It serves `send-request.ts`.
 */

/** Longest frame, in characters. No frame needs that much: client events have at most 10 KB, and all others are smaller. */
export const MAX_FRAME_LENGTH = 64 * 1_024;
/** Most frames in one request. pusher-js sends one. */
export const MAX_FRAMES = 32;

type Fields = Readonly<Record<string, unknown>>;

/** The frames in a body, or what is wrong with it. */
export type SendBody = { readonly frames: readonly string[] } | { readonly fault: string };

/** Reads a body: a JSON array of texts, each of them a frame. An empty array only says that the client is alive. */
export function parseSend(body: Uint8Array): SendBody {
  const frames = parseJson(decode(body));
  if (!Array.isArray(frames)) return { fault: 'Expected a JSON array of texts, in UTF-8.' };
  if (frames.length > MAX_FRAMES) return { fault: `Expected at most ${MAX_FRAMES} frames, got ${frames.length}.` };
  for (const frame of frames) {
    const fault = typeof frame === 'string' ? findFault(frame) : 'it is not a text';
    if (fault !== null) return { fault: `A frame was refused: ${fault}.` };
  }
  return { frames };
}

/** What is wrong with a frame, or null. */
export function findFault(text: string): string | null {
  if (text.length > MAX_FRAME_LENGTH) return `it has more than ${MAX_FRAME_LENGTH} characters`;
  const frame = parseJson(text);
  if (!isFields(frame)) return 'it is not a JSON object';
  const { event, data, channel } = frame;
  if (typeof event !== 'string') return 'event must be a text';
  switch (event) {
    case 'pusher:ping':
    case 'pusher:pong':
      return null;
    case 'pusher:subscribe':
      return findSubscribeFault(data);
    case 'pusher:unsubscribe':
      return isFields(data) && isName(data.channel) ? null : 'pusher:unsubscribe needs data with a channel';
    case 'pusher:signin':
      if (!isFields(data) || typeof data.auth !== 'string') return 'pusher:signin needs data with auth';
      return hasId(data.user_data, 'id') ? null : 'data.user_data must be JSON of an object with an id';
    default:
      if (!event.startsWith('client-')) return 'this event is not known';
      return isName(channel) ? null : 'a client event needs a channel';
  }
}

function findSubscribeFault(data: unknown): string | null {
  if (!isFields(data) || !isName(data.channel)) return 'pusher:subscribe needs data with a channel';
  if (!isOptionalText(data.auth)) return 'data.auth must be a text';
  if (!isOptionalText(data.channel_data)) return 'data.channel_data must be a text';
  if (data.channel.startsWith('presence-') && !hasId(data.channel_data, 'user_id')) {
    return 'data.channel_data must be JSON of an object with a user_id';
  }
  return null;
}

function hasId(text: unknown, name: string): boolean {
  const value = typeof text === 'string' ? parseJson(text) : undefined;
  const id = isFields(value) ? value[name] : undefined;
  return typeof id === 'string' || typeof id === 'number';
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text of `bytes`, or null if they are not UTF-8. A lenient decoder would replace bad bytes by other characters. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
