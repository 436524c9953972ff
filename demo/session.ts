/**
 * Who is asking: a signed cookie that holds a user name. A stand-in for the adopter's own login; there is no
 * password. Other sites cannot use it (SameSite=Lax) and scripts cannot read it (http-only).
 */

import cookieParser from 'cookie-parser';
import express, { type Request, type RequestHandler, Router } from 'express';
import { TaskError } from 'inloop';
import { z } from 'zod';

const COOKIE = 'inloop_demo';
const LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_NAME_LENGTH = 100;

const contentSchema = z.object({ user: z.string(), until: z.number() });

/** What the middleware found out, by request: the type of Request stays Express's own. */
const users = new WeakMap<Request, string>();

/** The signed-in user, or null. Only behind {@link readSession}. */
export function userOf(req: Request): string | null {
  return users.get(req) ?? null;
}

/** The signed-in user. @throws TaskError `not_signed_in` (401) */
export function requireUser(req: Request): string {
  const user = userOf(req);
  if (user !== null) return user;
  throw new TaskError('not_signed_in', 'You are not signed in. Sign in with POST /session {"user": "your name"}.', {
    retryable: false,
    status: 401,
  });
}

/**
 * Reads the cookie of every request. One that was tampered with or has expired is answered with 401 and removed;
 * only signing in and out still work with it.
 */
export function readSession(secret: string, now: () => number = Date.now): RequestHandler[] {
  const read: RequestHandler = (req, res, next) => {
    const raw: unknown = req.signedCookies[COOKIE] ?? req.cookies[COOKIE];
    if (raw === undefined) return next();
    const content = parseContent(req.signedCookies[COOKIE]);
    if (content !== null && content.until > now()) {
      users.set(req, content.user);
      return next();
    }
    if (req.path === '/session' && req.method !== 'GET') return next();
    res.clearCookie(COOKIE, cookieOptions(req));
    throw new TaskError('bad_session', 'Your session is not valid, or it has expired. Please sign in again.', {
      retryable: false,
      status: 401,
    });
  };
  return [cookieParser(secret), read];
}

/** `POST /session` signs in, `GET` says who is signed in (null: nobody), `DELETE` signs out. */
export function createSessionRouter(now: () => number = Date.now): Router {
  const router = Router();
  router.post('/', express.json({ limit: '10kb' }), (req, res) => {
    const user = readName(req.body);
    const content = Buffer.from(JSON.stringify({ user, until: now() + LIFETIME_MS })).toString('base64url');
    res.cookie(COOKIE, content, { ...cookieOptions(req), signed: true, maxAge: LIFETIME_MS });
    res.status(200).json({ user });
  });
  router.get('/', (req, res) => {
    res.set('Cache-Control', 'no-store').json({ user: userOf(req) });
  });
  router.delete('/', (req, res) => {
    res.clearCookie(COOKIE, cookieOptions(req)).status(204).end();
  });
  return router;
}

function cookieOptions(req: Request) {
  return { httpOnly: true, sameSite: 'lax', secure: req.secure, path: '/' } as const;
}

function readName(body: unknown): string {
  const given = typeof body === 'object' && body !== null && 'user' in body ? body.user : undefined;
  const name = typeof given === 'string' ? given.trim() : '';
  const length = [...name].length;
  if (length >= 1 && length <= MAX_NAME_LENGTH && !/\p{Surrogate}/u.test(name)) return name;
  const came = typeof given === 'string' ? `one of ${length} characters` : given === undefined ? 'none' : typeof given;
  throw new TaskError(
    'bad_user',
    `Expected JSON with a "user" name of 1 to ${MAX_NAME_LENGTH} characters of valid Unicode, got ${came}.`,
    { retryable: false, status: 422, issues: [{ path: ['user'], message: 'not a name' }] },
  );
}

function parseContent(value: unknown): z.infer<typeof contentSchema> | null {
  // cookie-parser says `false` about a signature that does not fit, and nothing about a cookie without one.
  if (typeof value !== 'string') return null;
  try {
    return contentSchema.parse(JSON.parse(Buffer.from(value, 'base64url').toString('utf8')));
  } catch {
    return null;
  }
}
