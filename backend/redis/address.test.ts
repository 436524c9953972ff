import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConfigError } from '../../core/config-error.ts';
import { anyText } from '../../test/support/fakes/any-value.ts';
import { parseRedisAddress } from './address.ts';

const PLAIN = { primary: null, username: undefined, password: undefined, database: 0, tls: null };

describe('an address of Redis', () => {
  it.each([
    ['redis://localhost', { hosts: [{ host: 'localhost', port: 6_379 }] }],
    ['redis://localhost:1/', { hosts: [{ host: 'localhost', port: 1 }] }],
    ['redis://[::1]:7000', { hosts: [{ host: '::1', port: 7_000 }] }],
    ['redis://:secret@h', { hosts: [{ host: 'h', port: 6_379 }], password: 'secret' }],
    ['redis://app@h', { hosts: [{ host: 'h', port: 6_379 }], username: 'app' }],
    ['rediss://h:1/3', { hosts: [{ host: 'h', port: 1 }], database: 3, tls: {} }],
    [
      'redis+sentinel://a,b:2/main/4',
      {
        hosts: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 2 },
        ],
        primary: 'main',
        database: 4,
      },
    ],
    ['rediss+sentinel://a/main', { hosts: [{ host: 'a', port: 26_379 }], primary: 'main', tls: {} }],
  ])('%s is read as it is meant', (url, expected) => {
    expect(parseRedisAddress(url)).toEqual({ ...PLAIN, ...expected });
  });

  it('comes with what TLS needs', () => {
    const tls = { ca: 'PEM', servername: 'redis.internal' };
    expect(parseRedisAddress({ url: 'rediss://h', tls })).toMatchObject({ tls });
  });

  it('has any user and any password, percent-encoded', () => {
    fc.assert(
      fc.property(anyText({ minLength: 1 }), anyText({ minLength: 1 }), (user, password) => {
        const url = `redis://${encodeURIComponent(user)}:${encodeURIComponent(password)}@h:1/2`;
        expect(parseRedisAddress(url)).toEqual({
          ...PLAIN,
          hosts: [{ host: 'h', port: 1 }],
          username: user,
          password,
          database: 2,
        });
      }),
    );
  });
});

describe('what is no address of Redis', () => {
  it.each([
    [undefined, /got none/],
    ['', /got none/],
    [null, /got something else/],
    [42, /got something else/],
    [{}, /got none/],
    ['http://hunter2@h', /got something else/],
    ['redis://', /got something else/],
    ['redis://hunter2 @h', /got something else|host/],
    ['redis://h:0', /host:port/],
    ['redis://h:65536', /host:port/],
    ['redis://:hunter2@h/zero', /number/],
    ['redis://:hunter2@h/1/2', /number/],
    ['redis://:%hunter2@h', /percent-encoded/],
    ['redis://:hunter2@a,b', /sentinel/],
    ['redis+sentinel://:hunter2@a:1', /name of the primary/],
    [{ url: 'redis://:hunter2@h', tls: {} }, /rediss:/],
  ])('%p is refused, with the reason and without the password', (given, words) => {
    let error: unknown;
    try {
      parseRedisAddress(given as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: 'invalid_options', message: expect.stringMatching(words) });
    expect(String(error)).not.toContain('hunter2');
  });

  it('whatever it is, is a ConfigError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.string().map((text) => `redis://${text}`),
        ),
        (given) => {
          try {
            parseRedisAddress(given as never);
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
          }
        },
      ),
    );
  });
});
