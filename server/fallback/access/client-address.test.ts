import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import proxyAddr from 'proxy-addr';
import { clientOf, networkOf } from './client-address.ts';

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

  it('in X-Forwarded-For of an untrusted client are ignored', () => {
    expect(clientOf(req('127.0.0.1', '9.9.9.9'), proxyAddr.compile([]))).toBe('127.0.0.1');
    expect(clientOf(req('127.0.0.1', '9.9.9.9'), proxyAddr.compile('10.0.0.9'))).toBe('127.0.0.1');
  });
});
