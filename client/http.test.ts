import { describe, expect, it } from '@jest/globals';
import { createServerClock } from './clock.ts';
import { createHttp } from './http.ts';
import { ManualTiming } from './test-support/manual-timing.ts';

const BASE = 'http://127.0.0.1/tasks';

/** HTTP calls to a server that answers 304 to each ETag. `asked`: what it was asked. */
function start() {
  const timing = new ManualTiming();
  const asked: { readonly path: string; readonly etag: string | undefined }[] = [];
  const http = createHttp({
    base: BASE,
    headers: {},
    timing,
    clock: createServerClock(timing.now),
    generation: () => 0,
    onAnswer: () => {},
    fetch: (async (url: string, { headers }: { headers: Record<string, string> }) => {
      asked.push({ path: url.slice(BASE.length), etag: headers['if-none-match'] });
      if (headers['if-none-match']) return new Response(null, { status: 304 });
      return new Response(JSON.stringify({ url }), { headers: { etag: `"${url}"` } });
    }) as unknown as typeof fetch,
  });
  return { http, asked };
}

describe('bodies that are kept for a 304', () => {
  it('are those of lists that are asked for again and again, and not those of pages of older tasks', async () => {
    const { http, asked } = start();
    for (let page = 0; page < 200; page++) {
      await http.get(`?state=all&cursor=${page}`);
      expect((await http.get('?state=active')).body).toEqual({ url: `${BASE}?state=active` });
    }
    expect(asked.filter(({ path, etag }) => path.endsWith('active') && etag)).toHaveLength(199);
    asked.length = 0;
    for (let page = 0; page < 200; page++) await http.get(`?state=all&cursor=${page}`);
    expect(asked.filter(({ etag }) => etag)).toEqual([]);
  });

  it('are forgotten with the user', async () => {
    const { http, asked } = start();
    await http.get('?state=all');
    http.forget();
    await http.get('?state=all');
    expect(asked.map(({ etag }) => etag)).toEqual([undefined, undefined]);
  });
});
