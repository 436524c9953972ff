/** Serves the operator's page: one HTML file, one script, one style sheet and an icon, all of them text in this package. */

import { createHash } from 'node:crypto';
import express, { type RequestHandler, type Router } from 'express';
import { readPageFiles } from './page-files.ts';

/** The page loads only its own files, connects only to its own host, and may not be shown in a frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // Addresses of the page hold owners and words of errors.
  'Referrer-Policy': 'no-referrer',
  // A browser asks each time, and is answered 304 if nothing has changed. So after a deploy it has the new version at once.
  'Cache-Control': 'private, no-cache',
};

/** Answers `GET /`, `/page.js`, `/page.css` and `/page.svg`. Mount it behind what decides who may see the page. */
export function createPageRouter(): Router {
  const router = express.Router();
  const { html, script, styles, icon } = readPageFiles();
  router.get('/', (req, res, next) => {
    const [path = '', query] = req.originalUrl.split('?', 2);
    if (path.endsWith('/')) {
      next();
      return;
    }
    // The page's files and calls have relative addresses, so the address of the page has to end with a slash.
    const last = path.slice(path.lastIndexOf('/') + 1);
    res.redirect(308, `./${last}/${query === undefined ? '' : `?${query}`}`);
  });
  router.get('/', serve('html', html));
  router.get('/page.js', serve('text/javascript', script));
  router.get('/page.css', serve('css', styles));
  router.get('/page.svg', serve('svg', icon));
  return router;
}

function serve(type: string, text: string): RequestHandler {
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
  return (_req, res) => {
    res
      .set({ ...HEADERS, ETag: etag })
      .type(type)
      .send(text);
  };
}
