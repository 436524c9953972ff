// The API, at an address of its own such as https://api.example.com. Its pages are at another origin, and send a bearer token.
import express from 'express';
import type { Backend } from 'inloop/backend';
import { createTaskServer, sameOrigin } from 'inloop/server';
import { buildReport } from './tasks.ts';
import { makeToken, TOKEN_SECONDS, userOf } from './tokens.ts';

/** @param pages the origins of the pages, exactly as browsers send them: `https://app.example.com` */
export function createApi(backend: Backend, pages: readonly string[]): express.Express {
  const app = express();
  const tasks = createTaskServer({
    backend,
    tasks: [buildReport],
    identify: (req) => userOf(req.get('Authorization')),
    origins: pages,
  });
  app.use('/tasks', tasks.router);
  // Your own routes need CORS as well. `use` and not `post`: before it sends a header like Content-Type or Authorization,
  // a browser asks with OPTIONS whether it may.
  app.use('/token', sameOrigin({ origins: pages }));
  app.post('/token', express.json(), (req, res) => {
    // Here your sign-in checks a password.
    res.json({ token: makeToken(req.body.user), seconds: TOKEN_SECONDS });
  });
  return app;
}
