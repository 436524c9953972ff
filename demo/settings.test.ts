import { describe, expect, it } from '@jest/globals';
import { readServerSettings, readWorkerSettings } from './settings.ts';

const good = {
  REDIS_URL: 'redis://127.0.0.1:6379',
  DATA_DIR: '/tmp/data',
  SESSION_SECRET: 'a secret of 25 characters',
};

describe('the settings', () => {
  it('trust no proxy that is not named', () => {
    expect(readServerSettings(good).trustProxy).toEqual([]);
    const env = { ...good, TRUST_PROXY: '10.0.0.7, 10.1.0.0/16 loopback' };
    expect(readServerSettings(env).trustProxy).toEqual(['10.0.0.7', '10.1.0.0/16', 'loopback']);
  });

  it('have defaults that listen on loopback only', () => {
    expect(readServerSettings(good)).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      maxUploadBytes: 50 * 1024 * 1024,
      limits: { owner: { active: 1_000, startsPerMinute: 2_000 } },
      pushesPerSecond: 10,
      accuracy: 0.01,
    });
    expect(readWorkerSettings(good)).toMatchObject({ host: '127.0.0.1', port: 3001, slowRowMs: 60 });
  });

  it.each(['rediss://h:1/2', 'redis+sentinel://:secret@a:1,b:2/main/1'])('take %s as an address of Redis', (url) => {
    expect(readServerSettings({ ...good, REDIS_URL: url }).redisUrl).toBe(url);
  });

  it.each(['secret-change-me', 'CHANGE-ME-CHANGE-ME'])('refuse the placeholder %s in production', (secret) => {
    const env = { ...good, SESSION_SECRET: secret };
    expect(readServerSettings(env).sessionSecret).toBe(secret);
    expect(() => readServerSettings({ ...env, NODE_ENV: 'production' })).toThrow(
      'SESSION_SECRET is still a placeholder',
    );
  });

  it('send mails only if a mail server is named', () => {
    expect(readWorkerSettings(good).mail).toBeNull();
    const mail = { SMTP_URL: 'smtp://localhost:25', MAIL_DOMAIN: 'example.org' };
    expect(readWorkerSettings({ ...good, ...mail }).mail).toEqual({
      smtpUrl: 'smtp://localhost:25',
      domain: 'example.org',
      afterMinutes: 15,
    });
    for (const wrong of [
      { SMTP_URL: 'http://user:hunter2@localhost' },
      { MAIL_DOMAIN: '' },
      { MAIL_DOMAIN: 'example.org, evil.test' },
      { MAIL_AFTER_MINUTES: '0' },
    ]) {
      const read = () => readWorkerSettings({ ...good, ...mail, ...wrong });
      expect(read).toThrow(new RegExp(`^${Object.keys(wrong)[0]} [^\\n]+$`));
      expect(read).not.toThrow(/hunter2/);
    }
  });

  it.each([
    ['REDIS_URL', undefined],
    ['REDIS_URL', 'http://:hunter2@example.com'],
    ['DATA_DIR', '  '],
    ['SESSION_SECRET', undefined],
    ['SESSION_SECRET', 'hunter2'],
    ['PORT', '70000'],
    ['PORT', '80 '.repeat(2)],
    ['TRUST_PROXY', 'everybody'],
    ['MAX_UPLOAD_BYTES', '-1'],
    ['MAX_UPLOAD_BYTES', '50MB'],
    ['MAX_ACTIVE_TASKS', '0'],
    ['MAX_STARTS_PER_MINUTE', '100001'],
    ['PUSHES_PER_SECOND', '0'],
    ['ACCURACY', '0'],
    ['ACCURACY', '1e-2'],
    ['ACCURACY', '5%'],
  ])('name %s when it is %j, in one line without secrets', (name, value) => {
    const read = () => readServerSettings({ ...good, [name]: value });
    expect(read).toThrow(new RegExp(`^${name} [^\\n]+$`));
    expect(read).not.toThrow(/hunter2/);
  });

  it('take an accuracy as a share of the total', () => {
    expect(readWorkerSettings({ ...good, ACCURACY: '0.05' }).accuracy).toBe(0.05);
  });

  it('name IMPORT_ROW_DELAY_MS for a worker, which needs no session secret', () => {
    const { SESSION_SECRET: _, ...rest } = good;
    expect(() => readWorkerSettings({ ...rest, IMPORT_ROW_DELAY_MS: 'slow' })).toThrow(/^IMPORT_ROW_DELAY_MS must be/);
    expect(readWorkerSettings(rest).dataDir).toBe('/tmp/data');
  });
});
