// Webhooks as the bus signs them, and as others send them.
import { createHmac } from 'node:crypto';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Bus } from './bus.ts';
import type { PusherOptions } from './pusher-env.ts';

describe('a webhook', () => {
  const options: PusherOptions = {
    appId: 'app',
    key: 'the-key',
    secret: 'the-secret',
    cluster: 'eu',
    server: null,
    browser: null,
    encryptionKey: null,
  };
  const bus = new Bus(options);
  afterAll(() => bus.close());
  const body = JSON.stringify({ time_ms: 1_700_000_000_000, events: [{ name: 'channel_vacated', channel: 'c' }] });
  const sign = (text: string, secret = options.secret) => createHmac('sha256', secret).update(text).digest('hex');
  const headers = (over: Record<string, string> = {}) => ({
    'content-type': 'application/json; charset=utf-8',
    'x-pusher-key': options.key,
    'x-pusher-signature': sign(body),
    ...over,
  });

  it('is read if the bus signed it', () => {
    expect(bus.readWebhook(headers(), body)).toEqual({
      at: 1_700_000_000_000,
      events: [{ name: 'channel_vacated', channel: 'c' }],
    });
  });

  it.each([
    ['another secret', headers({ 'x-pusher-signature': sign(body, 'other') }), body],
    ['another key', headers({ 'x-pusher-key': 'other' }), body],
    ['no signature', { 'x-pusher-key': options.key }, body],
    ['a body that was changed', headers(), body.replace('vacated', 'occupied')],
    // It is signed, but the SDK does not tell this from a wrong signature.
    ['a body that is not JSON', headers({ 'x-pusher-signature': sign('{') }), '{'],
    ['nothing at all', {}, ''],
  ])('is refused with %s', (_what, given, text) => {
    expect(bus.readWebhook(given, text)).toBe('unsigned');
  });

  it.each([
    'null',
    '[]',
    '7',
    '"text"',
    '{}',
    '{"time_ms":1,"events":null}',
    '{"time_ms":1,"events":{}}',
    '{"time_ms":1,"events":[null]}',
    '{"time_ms":1,"events":[7]}',
    '{"time_ms":1,"events":[{}]}',
    '{"time_ms":1,"events":[{"name":1,"channel":"c"}]}',
    '{"time_ms":1,"events":[{"name":"channel_vacated","channel":{}}]}',
    '{"time_ms":"1","events":[]}',
    '{"time_ms":null,"events":[]}',
    '{"time_ms":1e999,"events":[]}',
    '{"events":[]}',
  ])('is malformed where the bus signed %s', (text) => {
    expect(bus.readWebhook(headers({ 'x-pusher-signature': sign(text) }), text)).toBe('malformed');
  });

  it('may tell of events without a channel', () => {
    const text = '{"time_ms":1,"events":[{"name":"something_new"}]}';
    expect(bus.readWebhook(headers({ 'x-pusher-signature': sign(text) }), text)).toEqual({
      at: 1,
      events: [{ name: 'something_new', channel: null }],
    });
  });

  // A server reads the body only of a webhook whose headers look signed.
  it.each([
    ['nothing', {}, false],
    ['another key', headers({ 'x-pusher-key': 'other' }), false],
    ['something that is no signature', headers({ 'x-pusher-signature': 'x'.repeat(64) }), false],
    ['a list of signatures', headers({ 'x-pusher-signature': `${sign('a')}, ${sign('b')}` }), false],
    ['a signature of whatever', headers({ 'x-pusher-signature': sign('whatever') }), true],
  ])('with headers that hold %s looks signed: %p', (_what, given, looksSigned) => {
    expect(bus.looksSigned(given)).toBe(looksSigned);
  });
});
