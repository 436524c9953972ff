import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { HOSTILE_FRAMES } from '../../test/support/bus/hostile-frames.ts';
import { findFault, parseSend } from './check-frame.ts';

describe('frames', () => {
  // Well-formed, refused or ignored by the bus itself, and harmless to it.
  const harmless =
    /__proto__ and a space|line break|of spaces|165 characters|60,000 characters|without auth|wrong signature|it is not in|lone surrogates|deep data|nested deeply/;

  it.each(HOSTILE_FRAMES.filter(([name]) => !harmless.test(name)))('%s is refused', (_name, content) => {
    expect(findFault(typeof content === 'string' ? content : JSON.stringify(content))).toEqual(expect.any(String));
  });

  it.each([
    { event: 'pusher:ping' },
    { event: 'pusher:pong', data: {} },
    { event: 'pusher:subscribe', data: { channel: 'room' } },
    { event: 'pusher:subscribe', data: { auth: '', channel: 'room' } },
    { event: 'pusher:subscribe', data: { channel: 'presence-room', auth: 'a:b', channel_data: '{"user_id":1}' } },
    { event: 'pusher:unsubscribe', data: { channel: 'room' } },
    { event: 'pusher:signin', data: { auth: 'a:b', user_data: '{"id":"ada"}' } },
    { event: 'client-typing', channel: 'private-room', data: { deep: [1] } },
  ])('$event is passed on', (frame) => {
    expect(findFault(JSON.stringify(frame))).toBeNull();
  });

  it('of any kind get an answer and never an exception', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseSend(bytes)));
    fc.assert(fc.property(fc.json(), (text) => void findFault(text)));
  });
});
