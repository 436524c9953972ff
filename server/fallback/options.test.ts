import { describe, expect, it } from '@jest/globals';
import { checkOptions } from './options.ts';

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
