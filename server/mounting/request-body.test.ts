import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type RequestHandler } from 'express';
import { type HttpServer, startHttpServer } from '../../test/support/http-server.ts';
import { formOf, jsonOf, rawOf, readForm, readJson, readText } from './request-body.ts';

let server: HttpServer;

/** By path: what is mounted for the whole application. */
const BEFORE: Record<string, RequestHandler[]> = {
  nothing: [],
  json: [express.json({ strict: false })],
  text: [express.text({ type: () => true })],
  buffer: [express.raw({ type: () => true })],
  // What some platforms do before the application gets a request: parse the body, and keep its text as `rawBody`.
  kept: [
    async (req, _res, next) => {
      const rawBody = String((await req.toArray())[0]);
      Object.assign(req, { rawBody, body: JSON.parse(rawBody) });
      if (!req.readableEnded) await once(req, 'end');
      next();
    },
  ],
};

beforeAll(async () => {
  const app = express();
  for (const [path, before] of Object.entries(BEFORE)) {
    const answer = (read: RequestHandler, give: (req: express.Request) => unknown): RequestHandler[] => [
      ...before,
      read,
      (req, res) => void res.json({ read: give(req) }),
    ];
    app.post(`/${path}/json`, ...answer(readJson(1_000), jsonOf));
    app.post(`/${path}/form`, ...answer(readForm(1_000), formOf));
    app.post(`/${path}/raw`, ...answer(readText(1_000), rawOf));
  }
  app.use(((error, _req, res, _next) => void res.json({ code: error.code })) satisfies express.ErrorRequestHandler);
  server = await startHttpServer(app);
});
afterAll(() => server.close());

/** What the server reads of a body that is sent to `path`. */
async function read(path: string, body: string | URLSearchParams) {
  const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
  return (await fetch(`${server.url}/${path}`, { method: 'POST', body, headers })).json();
}

describe.each(Object.keys(BEFORE))('a body, with "%s" mounted before', (before) => {
  it.each(['{"a":"ä"}', '[1]', 'null', '7'])('is read as the JSON that was sent: %s', async (text) => {
    expect(await read(`${before}/json`, text)).toEqual({ read: JSON.parse(text) });
  });

  it('is read as the raw text, or as JSON that was written again if the raw text is gone', async () => {
    expect(await read(`${before}/raw`, '{"a": 1}')).toEqual({
      read: before === 'json' ? { text: '{"a":1}', isRebuilt: true } : { text: '{"a": 1}', isRebuilt: false },
    });
  });
});

it.each(['nothing', 'json', 'text', 'buffer'])('a form is read with "%s" mounted before', async (before) => {
  expect(await read(`${before}/form`, new URLSearchParams({ a: 'ä&' }))).toEqual({ read: { a: 'ä&' } });
});

it('a parsed body that is no object is no form', async () => {
  expect(await read('json/form', 'null')).toEqual({});
});

it('a JSON text stays a text, and is not parsed twice', async () => {
  expect(await read('nothing/json', '"{}"')).toEqual({ read: '{}' });
  expect(await read('text/json', '{"a"')).toEqual({ code: 'invalid_json' });
});
