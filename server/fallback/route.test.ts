import { describe, expect, it } from '@jest/globals';
import { parseRoute } from './route.ts';

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

  it('pass on only parameters that the bus knows, and only with plain values', () => {
    const url = '/pusher/app/key/1/abcdefgh/xhr?protocol=7&client=a%0d%0ab&version=8.6.0&evil=1&t=5';
    expect(parseRoute(url, '/pusher')?.query).toBe('protocol=7&version=8.6.0');
  });
});
