import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import proxyAddr from 'proxy-addr';
import { HOSTILE_FRAMES } from '../../test/support/bus/hostile-frames.ts';
import { clientOf, networkOf } from './access/client-address.ts';
import { relationOf } from './access/origin.ts';
import { findFault, parseSend } from './check-frame.ts';
import { checkOptions } from './options.ts';
import { parseRoute } from './route.ts';
import { closeFrom, closeLine, fitLine, MAX_LINE_LENGTH, messageLine } from './session/framing.ts';

describe('routes', () => {
  it.each([
    ['/pusher/app/key/7/abcdefgh/xhr_streaming?protocol=7&client=js&version=8.6.0&t=1&n=2', 'stream'],
    ['/pusher/app/key/999/0000vvvv/xhr?protocol=7', 'poll'],
    ['/pusher/app/key/0/abcdefgh/xhr_send?t=1&n=3', 'send'],
  ])('%s is ours', (url, verb) => {
    expect(parseRoute(url, '/pusher')).toMatchObject({ key: 'key', verb });
  });

  it.each([
    '/pusher/app/key/1000/abcdefgh/xhr',
    '/pusher/app/key/1/abcdefg/xhr',
    '/pusher/app/key/1/abcdefgh/jsonp',
    '/pusher/app/key/1/abcdefgh/xhr/more',
    '/pusher/app/../1/abcdefgh/xhr',
    '/other/app/key/1/abcdefgh/xhr',
    '/x?/pusher/app/key/1/abcdefgh/xhr',
    '',
  ])('%s is not', (url) => {
    expect(parseRoute(url, '/pusher')).toBeNull();
  });

  it('pass on only what the bus knows, in a harmless form', () => {
    const url = '/pusher/app/key/1/abcdefgh/xhr?protocol=7&client=a%0d%0ab&version=8.6.0&evil=1&t=5';
    expect(parseRoute(url, '/pusher')?.query).toBe('protocol=7&version=8.6.0');
  });
});

describe('lines', () => {
  it('carry any text, one line each', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (messages) => {
        const line = messageLine(messages);
        expect(line.indexOf('\n')).toBe(line.length - 1);
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

describe('frames', () => {
  // Well-formed, refused or ignored by the bus itself, and harmless to it.
  const harmless =
    /legal name|line break|of spaces|165 characters|60,000 characters|without auth|wrong signature|it is not in|lone surrogates|deep data|nested deeply/;

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

describe('addresses', () => {
  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('%s counts as %s', (address, client) => {
    expect(networkOf(address)).toBe(client);
  });

  const req = (remoteAddress: string, forwarded: string) =>
    ({ headers: { 'x-forwarded-for': forwarded }, socket: { remoteAddress } }) as never as IncomingMessage;

  it.each([
    ['an address', '9.9.9.9', '9.9.9.9'],
    ['one with a port', '9.9.9.9:4711', '9.9.9.9'],
    ['one of IPv6 with a port', '[2001:db8::1]:4711', '2001:db8:0:0::/64'],
    ['one that the client made up before it', '6.6.6.6, 9.9.9.9', '9.9.9.9'],
    ['8,000 characters', '9'.repeat(8_000), '10.0.0.9'],
    ['a name', 'localhost', '10.0.0.9'],
    ['a number', '7', '10.0.0.9'],
    ['another number each time', `${Math.random()}`, '10.0.0.9'],
    ['nothing', '', '10.0.0.9'],
    ['nothing after a comma', '9.9.9.9,', '9.9.9.9'],
  ])('%s in X-Forwarded-For of a proxy that is trusted', (_what, forwarded, client) => {
    expect(clientOf(req('10.0.0.9', forwarded), proxyAddr.compile('10.0.0.9'))).toBe(client);
  });

  it('in X-Forwarded-For of anybody else count for nothing', () => {
    expect(clientOf(req('127.0.0.1', '9.9.9.9'), proxyAddr.compile([]))).toBe('127.0.0.1');
    expect(clientOf(req('127.0.0.1', '9.9.9.9'), proxyAddr.compile('10.0.0.9'))).toBe('127.0.0.1');
  });
});

describe('origins', () => {
  const req = (headers: Record<string, string>) =>
    ({ headers, socket: { remoteAddress: '10.0.0.9' } }) as IncomingMessage;
  const never = () => false;

  it.each([
    [{ host: 'a.example' }, 'own'],
    [{ host: 'a.example', origin: 'https://a.example' }, 'own'],
    [{ host: 'a.example:443', origin: 'https://a.example' }, 'own'],
    [{ host: 'A.example:80', origin: 'http://a.example' }, 'own'],
    [{ host: 'a.example:8080', origin: 'http://a.example:8080' }, 'own'],
    [{ host: 'a.example', origin: 'https://a.example:8443' }, 'foreign'],
    [{ host: 'a.example', origin: 'https://b.example' }, 'foreign'],
    [{ host: 'a.example', origin: 'https://a.example.evil' }, 'foreign'],
    [{ host: 'null', origin: 'null' }, 'foreign'],
    [{ host: '', origin: '' }, 'foreign'],
    [{ host: 'inner', origin: 'https://a.example', 'sec-fetch-site': 'same-origin' }, 'own'],
    [{ host: 'inner', origin: 'https://a.example', 'sec-fetch-site': 'same-site' }, 'foreign'],
    [{ host: 'a.example', origin: 'https://listed.example', 'sec-fetch-site': 'cross-site' }, 'listed'],
    [{ host: 'listed.example', origin: 'https://listed.example' }, 'own'],
  ])('%j: %s', (headers, relation) => {
    const listed = new Set(['https://listed.example']);
    expect(relationOf(req(headers as Record<string, string>), listed, never)).toBe(relation);
  });
});

describe('options', () => {
  it.each([
    [{ path: 'pusher' }, /path must be a path like \/pusher/],
    [{ path: '/pusher/' }, /path must be/],
    [{ path: '/' }, /path must be/],
    [{ publicUrl: 'app.example.com/pusher' }, /publicUrl must be/],
    [{ publicUrl: 'ftp://app.example.com/pusher' }, /publicUrl must be/],
    [{ allowedOrigins: ['*'] }, /allowedOrigins must hold origins/],
    [{ allowedOrigins: ['https://*.example.com'] }, /allowedOrigins must hold origins/],
    [{ allowedOrigins: ['https://a.example/'] }, /allowedOrigins must hold origins/],
    [{ trustProxy: 'everybody' }, /trustProxy must hold/],
    [{ limits: { sessions: 0 } }, /limits\.sessions must be a whole number/],
    ...(['heartbeatMs', 'pingMs', 'graceMs', 'connectMs'] as const).map(
      (name) => [{ limits: { [name]: 2 ** 31 } }, /must be a whole number from 1 to 86400000, got 2147483648/] as const,
    ),
    [{ limits: { graceMs: Number.NaN } }, /limits\.graceMs must be a whole number/],
    [{ limits: { speed: 1 } as never }, /limits\.speed is not known/],
    [{ limits: { constructor: 1 } as never }, /limits\.constructor is not known/],
    [{ limits: { pingMs: 2 ** 31 } }, /limits\.pingMs must be a whole number from 1 to 86400000/],
  ])('%j is refused by name', (options, message) => {
    expect(() => checkOptions(options)).toThrow(message);
  });

  it('say where browsers find the fallback', () => {
    const where = (options: Parameters<typeof checkOptions>[0]) => checkOptions(options).publicUrl;
    expect(where({})).toEqual({ host: null, path: '/pusher' });
    expect(where({ publicUrl: '/prefix/pusher' })).toEqual({ host: null, path: '/prefix/pusher' });
    expect(where({ publicUrl: 'https://a.example/p' })).toEqual({ host: 'a.example:443', path: '/p' });
    expect(where({ publicUrl: 'http://a.example:81/p' })).toEqual({ host: 'a.example:81', path: '/p' });
  });
});
