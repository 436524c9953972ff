import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../../../core/config-error.ts';
import { REPOSITORY } from '../../../dev/paths.ts';
import { recordLog } from '../../../test/support/log.ts';
import { connectionInfo, pusherFromEnv } from './pusher-env.ts';

const APP = { PUSHER_APP_ID: 'app-id-1', PUSHER_KEY: 'key-2', PUSHER_SECRET: 'secret-3' };
const SELF_HOSTED = { ...APP, PUSHER_HOST: 'soketi', PUSHER_PORT: '6001' };
const ENCRYPTION_KEY = Buffer.alloc(32, 1).toString('base64');
const shared = { appId: 'app-id-1', key: 'key-2', secret: 'secret-3', encryptionKey: null };

describe('the bus that the environment describes', () => {
  const soketi = { host: 'soketi', port: 6001, tls: false };
  it.each([
    ['hosted Pusher', { ...APP, PUSHER_CLUSTER: 'eu' }, { ...shared, cluster: 'eu', server: null, browser: null }],
    ['a server of one’s own', SELF_HOSTED, { ...shared, cluster: null, server: soketi, browser: soketi }],
    [
      'the default port without TLS',
      { ...APP, PUSHER_HOST: 'soketi' },
      { server: { host: 'soketi', port: 80, tls: false } },
    ],
    [
      'the default port with TLS',
      { ...APP, PUSHER_HOST: 'soketi', PUSHER_TLS: 'true' },
      { server: { host: 'soketi', port: 443, tls: true } },
    ],
    [
      'another address for browsers',
      { ...SELF_HOSTED, PUSHER_PUBLIC_HOST: 'push.example.org', PUSHER_PUBLIC_PORT: '8443', PUSHER_PUBLIC_TLS: '1' },
      { server: soketi, browser: { host: 'push.example.org', port: 8443, tls: true } },
    ],
    [
      'TLS for browsers only, on its default port',
      { ...SELF_HOSTED, PUSHER_PUBLIC_HOST: 'push.example.org', PUSHER_PUBLIC_TLS: 'yes' },
      { browser: { host: 'push.example.org', port: 443, tls: true } },
    ],
    [
      'another host for browsers, all else the same',
      { ...SELF_HOSTED, PUSHER_PUBLIC_HOST: 'localhost' },
      { browser: { host: 'localhost', port: 6001, tls: false } },
    ],
    [
      'encrypted channels',
      { ...SELF_HOSTED, PUSHER_ENCRYPTION_KEY: ENCRYPTION_KEY },
      { encryptionKey: ENCRYPTION_KEY },
    ],
    ['an IPv6 address', { ...SELF_HOSTED, PUSHER_HOST: '::1' }, { server: { host: '::1' } }],
    [
      'variables that are set to nothing',
      { ...SELF_HOSTED, PUSHER_CLUSTER: '', PUSHER_TLS: ' ' },
      { cluster: null, server: soketi },
    ],
    [
      'spaces around values',
      { ...SELF_HOSTED, PUSHER_KEY: ' key-2\n', PUSHER_PORT: ' 6001 ' },
      { key: 'key-2', server: soketi },
    ],
  ])('%s', (_what, env, expected) => {
    expect(pusherFromEnv(env)).toMatchObject(expected);
  });

  it.each([
    [{ ...SELF_HOSTED, PUSHER_APP_ID: undefined }, 'PUSHER_APP_ID is missing.'],
    [{ ...SELF_HOSTED, PUSHER_KEY: '' }, 'PUSHER_KEY is missing.'],
    [{ ...SELF_HOSTED, PUSHER_SECRET: '  ' }, 'PUSHER_SECRET is missing.'],
    [APP, 'PUSHER_HOST is missing. Set it (with PUSHER_PORT and PUSHER_TLS), or PUSHER_CLUSTER for hosted Pusher.'],
    [{ ...SELF_HOSTED, PUSHER_CLUSTER: 'eu' }, 'PUSHER_CLUSTER and PUSHER_HOST are both set.'],
    [{ ...APP, PUSHER_CLUSTER: 'https://eu.pusher.com' }, 'PUSHER_CLUSTER must be the name of a cluster'],
    [{ ...SELF_HOSTED, PUSHER_HOST: 'http://soketi' }, 'PUSHER_HOST must be a host name or an address'],
    [{ ...SELF_HOSTED, PUSHER_HOST: 'soketi:6001' }, 'PUSHER_HOST must be a host name or an address'],
    [{ ...SELF_HOSTED, PUSHER_HOST: 'user:hunter2@soketi' }, 'PUSHER_HOST must be a host name or an address'],
    [{ ...SELF_HOSTED, PUSHER_PUBLIC_HOST: 'push/path' }, 'PUSHER_PUBLIC_HOST must be a host name or an address'],
    [{ ...SELF_HOSTED, PUSHER_PORT: '0' }, 'PUSHER_PORT must be a port, 1 to 65535.'],
    [{ ...SELF_HOSTED, PUSHER_PORT: '65536' }, 'PUSHER_PORT must be a port, 1 to 65535.'],
    [{ ...SELF_HOSTED, PUSHER_PORT: '60.5' }, 'PUSHER_PORT must be a port, 1 to 65535.'],
    [{ ...SELF_HOSTED, PUSHER_PORT: 'http' }, 'PUSHER_PORT must be a port, 1 to 65535.'],
    [{ ...SELF_HOSTED, PUSHER_PUBLIC_PORT: '-1' }, 'PUSHER_PUBLIC_PORT must be a port, 1 to 65535.'],
    [{ ...SELF_HOSTED, PUSHER_TLS: 'maybe' }, 'PUSHER_TLS must be true or false.'],
    [{ ...SELF_HOSTED, PUSHER_PUBLIC_TLS: '2' }, 'PUSHER_PUBLIC_TLS must be true or false.'],
    [{ ...SELF_HOSTED, PUSHER_ENCRYPTION_KEY: 'hunter2' }, 'PUSHER_ENCRYPTION_KEY must be 32 random bytes in base64'],
    [
      { ...SELF_HOSTED, PUSHER_ENCRYPTION_KEY: Buffer.alloc(33).toString('base64') },
      'PUSHER_ENCRYPTION_KEY must be 32',
    ],
  ])('refuses %j, naming the variable and no value', (env, message) => {
    const attempt = () => pusherFromEnv(env);
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_environment' }));
    try {
      attempt();
    } catch (error) {
      const said = `${(error as Error).message} ${JSON.stringify(error)}`;
      expect(said).not.toContain('\n');
      for (const value of ['app-id-1', 'key-2', 'secret-3', 'hunter2', ENCRYPTION_KEY])
        expect(said).not.toContain(value);
    }
  });
});

describe('placeholders', () => {
  const example = Object.fromEntries(
    readFileSync(join(REPOSITORY, '.env.example'), 'utf8')
      .split('\n')
      .flatMap((line) => [...line.matchAll(/^([A-Z_]+)=(.*)$/g)].map(([, name, value]) => [name, value])),
  ) as Record<string, string>;
  const replaced = { ...example, PUSHER_APP_ID: 'app-id-1', PUSHER_KEY: 'key-2', PUSHER_SECRET: 'secret-3' };

  it.each(['PUSHER_APP_ID', 'PUSHER_KEY', 'PUSHER_SECRET'])(
    'of .env.example for %s are refused in production and warned of elsewhere',
    (name) => {
      const env = { ...replaced, [name]: example[name] };
      const attempt = () => pusherFromEnv({ ...env, NODE_ENV: 'production' });
      expect(attempt).toThrow(`${name} is still the placeholder of .env.example`);
      expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_environment' }));
      const log = recordLog();
      pusherFromEnv({ ...env, NODE_ENV: 'development' }, { log });
      expect(log.lines).toEqual([{ level: 'warn', message: expect.stringContaining(name), fields: {} }]);
    },
  );

  it('are all that is refused: once they are replaced, the example works in production', () => {
    const log = recordLog();
    pusherFromEnv({ ...replaced, NODE_ENV: 'production' }, { log });
    expect(log.lines).toEqual([]);
  });

  it.each(['changeme', 'secret-CHANGE-ME', 'change_me', 'please change me'])(
    'are known in any spelling: %s',
    (secret) => {
      expect(() => pusherFromEnv({ ...replaced, PUSHER_SECRET: secret, NODE_ENV: 'production' })).toThrow(
        'PUSHER_SECRET',
      );
    },
  );
});

describe('what a browser needs', () => {
  it('of a self-hosted bus sends every transport there', () => {
    const info = connectionInfo(
      pusherFromEnv({ ...SELF_HOSTED, PUSHER_PUBLIC_HOST: 'localhost', PUSHER_ENCRYPTION_KEY: ENCRYPTION_KEY }),
    );
    expect(info).toEqual({
      key: 'key-2',
      cluster: 'self-hosted',
      wsHost: 'localhost',
      wsPort: 6001,
      wssPort: 6001,
      httpHost: 'localhost',
      httpPort: 6001,
      httpsPort: 6001,
      httpPath: '/pusher',
      forceTLS: false,
    });
  });

  it('of hosted Pusher is its cluster', () => {
    const info = connectionInfo(pusherFromEnv({ ...APP, PUSHER_CLUSTER: 'us2' }));
    expect(info).toMatchObject({
      key: 'key-2',
      cluster: 'us2',
      wsHost: null,
      httpHost: null,
      httpPath: null,
      forceTLS: true,
    });
  });

  it('holds nothing secret', () => {
    const said = JSON.stringify(
      connectionInfo(pusherFromEnv({ ...SELF_HOSTED, PUSHER_ENCRYPTION_KEY: ENCRYPTION_KEY })),
    );
    expect(said).not.toContain('secret-3');
    expect(said).not.toContain(ENCRYPTION_KEY);
    expect(said).not.toContain('app-id-1');
  });
});
