// Frames that a hostile or broken client may send to a Pusher-compatible server. For the tests of hardened Soketi, of the HTTP
// fallback, and of `npm run attack`.

/** One frame: its name in the test's output, and its content (text, raw bytes, or a value sent as JSON). */
export type HostileFrame = readonly [name: string, content: unknown];

const nest = (depth: number, open: string, close: string, core = ''): string =>
  open.repeat(depth) + core + close.repeat(depth);
const subscribe = (data: unknown): unknown => ({ event: 'pusher:subscribe', data });
const presence = (channelData: unknown): unknown =>
  subscribe({ channel: 'presence-room', auth: 'x:y', channel_data: channelData });

/** Text frames. The server refuses them or answers with an error; they must not harm anybody but their sender. */
export const HOSTILE_FRAMES: readonly HostileFrame[] = [
  // Not JSON
  ['nothing', ''],
  ['a space', ' '],
  ['half an object', '{"event":'],
  ['two objects', '{"event":"pusher:ping"}{"event":"pusher:ping"}'],
  ['a trailing comma', '{"event":"pusher:ping",}'],
  ['a NUL byte', '\u0000'],
  ['a byte order mark only', '\ufeff'],
  ['NaN', 'NaN'],
  ['HTML', '<script>alert(1)</script>'],
  // JSON, but no message
  ['null', null],
  ['true', true],
  ['a number', 42],
  ['a number beyond range', '1e999'],
  ['a string', '"pusher:subscribe"'],
  ['an empty array', []],
  ['an array of messages', [{ event: 'pusher:subscribe', data: {} }]],
  ['an empty object', {}],
  // The event's name
  ['no event but data', { data: { channel: 'room' } }],
  ['an event of null', { event: null }],
  ['an event of a number', { event: 1 }],
  ['an event of an object', { event: { toString: 'pusher:subscribe' } }],
  ['an event of an array', { event: ['pusher:subscribe'], data: { channel: 'room' } }],
  ['an event named __proto__', { event: '__proto__' }],
  ['an event named constructor', { event: 'constructor', data: {} }],
  ['an event of the server', { event: 'pusher_internal:subscription_succeeded', channel: 'room' }],
  ['an unknown event', { event: 'pusher:explode' }],
  ['an event with a very long name', { event: 'x'.repeat(20_000) }],
  // Subscribe
  ['subscribe without data', { event: 'pusher:subscribe' }],
  ['subscribe with null data', subscribe(null)],
  ['subscribe with data in a string', subscribe('{"channel":"room"}')],
  ['subscribe with an array', subscribe([])],
  ['subscribe without a channel', subscribe({})],
  ['subscribe to null', subscribe({ channel: null })],
  ['subscribe to 123', subscribe({ channel: 123 })],
  ['subscribe to true', subscribe({ channel: true })],
  ['subscribe to nothing', subscribe({ channel: '' })],
  ['subscribe to an object', subscribe({ channel: { length: 1, lastIndexOf: 1 } })],
  ['subscribe to a list of a private channel', subscribe({ channel: ['private-user-ada'] })],
  ['subscribe to __proto__ and a space', subscribe({ channel: '__proto__ ' })],
  ['subscribe to a name with a line break', subscribe({ channel: 'room\n' })],
  ['subscribe to a name of spaces', subscribe({ channel: '   ' })],
  ['subscribe to a name of 165 characters', subscribe({ channel: 'c'.repeat(165) })],
  ['subscribe to a name of 60,000 characters', subscribe({ channel: 'c'.repeat(60_000) })],
  ['subscribe to a private channel without auth', subscribe({ channel: 'private-user-ada' })],
  ['subscribe to a private channel with auth of a number', subscribe({ channel: 'private-user-ada', auth: 7 })],
  ['subscribe to a private channel with auth of an object', subscribe({ channel: 'private-user-ada', auth: {} })],
  ['subscribe to a private channel with a wrong signature', subscribe({ channel: 'private-user-ada', auth: 'a:b' })],
  ['subscribe to an encrypted channel without auth', subscribe({ channel: 'private-encrypted-user-ada' })],
  ['subscribe to a presence channel without a member', subscribe({ channel: 'presence-room', auth: 'a:b' })],
  ['a presence member that is not JSON', presence('{')],
  ['a presence member of null', presence('null')],
  ['a presence member of a number', presence('5')],
  ['a presence member without an id', presence('{}')],
  ['a presence member that is not a string', presence({ user_id: 'ada' })],
  ['a presence member with an id of an object', presence('{"user_id":{"toString":1}}')],
  ['a presence member nested deeply', presence(`{"user_id":"a","user_info":${nest(9_000, '[', ']')}}`)],
  // Unsubscribe
  ['unsubscribe without data', { event: 'pusher:unsubscribe' }],
  ['unsubscribe with null data', { event: 'pusher:unsubscribe', data: null }],
  ['unsubscribe from 123', { event: 'pusher:unsubscribe', data: { channel: 123 } }],
  ['unsubscribe from null', { event: 'pusher:unsubscribe', data: { channel: null } }],
  // Sign-in
  ['signin without data', { event: 'pusher:signin' }],
  ['signin with null data', { event: 'pusher:signin', data: null }],
  ['signin with an empty object', { event: 'pusher:signin', data: {} }],
  ['signin with user data that is not JSON', { event: 'pusher:signin', data: { auth: 'a:b', user_data: '{' } }],
  [
    'signin with an id of an object',
    { event: 'pusher:signin', data: { auth: 'a', user_data: '{"id":{"toString":1}}' } },
  ],
  // Client events
  ['a client event without a channel', { event: 'client-typing', data: {} }],
  ['a client event on channel 123', { event: 'client-typing', channel: 123, data: {} }],
  ['a client event on null', { event: 'client-typing', channel: null }],
  ['a client event on a channel it is not in', { event: 'client-typing', channel: 'private-user-ada', data: {} }],
  ['a client event with deep data', `{"event":"client-x","channel":"room","data":${nest(20_000, '[', ']')}}`],
  // Shapes meant to hurt a parser
  ['arrays nested 30,000 deep', nest(30_000, '[', ']')],
  ['objects nested 9,000 deep', nest(9_000, '{"a":', '}', '1')],
  ['brackets that never close', '['.repeat(60_000)],
  ['__proto__ as a key', '{"__proto__":{"event":"pusher:subscribe"},"constructor":{"prototype":{"x":1}}}'],
  ['__proto__ inside data', '{"event":"pusher:subscribe","data":{"__proto__":{"channel":"room"}}}'],
  ['toString as a key', { event: 'pusher:subscribe', data: { toString: 1, channel: { toString: 1 } } }],
  ['lone surrogates', '{"event":"pusher:subscribe","data":{"channel":"\\ud800"}}'],
  ['many keys', `{${Array.from({ length: 4_000 }, (_, n) => `"k${n}":1`).join(',')}}`],
];

/** Text frames whose bytes are not UTF-8. A server must close the connection or ignore them. */
export const FRAMES_OF_BAD_UTF8: readonly HostileFrame[] = [
  ['a lone continuation byte', Uint8Array.of(0x80)],
  ['an overlong slash', Uint8Array.of(0xc0, 0xaf)],
  ['a cut off sequence', Buffer.concat([Buffer.from('{"event":"'), Uint8Array.of(0xe2, 0x82)])],
  ['an encoded surrogate', Uint8Array.of(0xed, 0xa0, 0x80)],
  ['0xff in a channel name', Buffer.from('{"event":"pusher:subscribe","data":{"channel":"r\xff"}}', 'latin1')],
];
