/**
 * Signing in and out. A signed cookie names a session of database/session-store.ts; other sites cannot use it
 * (SameSite=Lax) and scripts cannot read it (http-only). There is no password. In your own app, your login takes its place.
 */

import cookieParser from 'cookie-parser';
import express, { type Request, type RequestHandler, Router } from 'express';
import { TaskError } from 'inloop';
import type { SessionStore } from '../database/session-store.ts';
import { refusal } from '../refusal.ts';

const COOKIE = 'inloop_demo';
const LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_NAME_LENGTH = 100;

export interface SessionOptions {
  readonly sessions: SessionStore;
  /** Signs the cookies. */
  readonly secret: string;
  /** Called when the user has signed out, or signed in as another user, so that open pages can be told. */
  readonly onEnd?: (user: string) => Promise<void>;
  /** In milliseconds since 1970; a clock for tests. */
  readonly now?: () => number;
}

/** The signed-in user of each request. A WeakMap, so that the type of Request stays Express's own. */
const users = new WeakMap<Request, string>();

/** The signed-in user, or null. Works only after {@link readSession}. */
export function userOf(req: Request): string | null {
  return users.get(req) ?? null;
}

/** The signed-in user. @throws TaskError `not_signed_in` (401) */
export function requireUser(req: Request): string {
  const user = userOf(req);
  if (user !== null) return user;
  throw refusal('not_signed_in', 401, 'You are not signed in. Sign in with POST /session {"user": "your name"}.');
}

/**
 * Reads the cookie of every request. A cookie that was tampered with, or whose session has ended, is removed and answered
 * with 401. Signing in and out still work with such a cookie.
 */
export function readSession({ sessions, secret, now = Date.now }: SessionOptions): RequestHandler[] {
  const read: RequestHandler = (req, res, next) => {
    // cookie-parser puts a cookie without a signature into `cookies`, and all others into `signedCookies`.
    const cookie: unknown = req.signedCookies[COOKIE] ?? req.cookies[COOKIE];
    if (cookie === undefined) return next();
    const id = idOf(req);
    const user = id === null ? null : sessions.userOf(id, now());
    if (user !== null) {
      users.set(req, user);
      return next();
    }
    if (req.path === '/session' && req.method !== 'GET') return next();
    res.clearCookie(COOKIE, cookieOptions(req));
    throw refusal('bad_session', 401, 'Your session is not valid, or it has ended. Please sign in again.');
  };
  return [cookieParser(secret), read];
}

/** `POST /session` signs in, `GET` says who is signed in (null: nobody), `DELETE` signs out. */
export function createSessionRouter({ sessions, onEnd, now = Date.now }: SessionOptions): Router {
  /**
   * Ends the session of the request on the server, so that a copy of its cookie is worthless.
   * @param nextUser who signs in now; null for nobody
   */
  const end = async (req: Request, nextUser: string | null): Promise<void> => {
    const id = idOf(req);
    if (id !== null) sessions.end(id);
    const user = userOf(req);
    if (user !== null && user !== nextUser) await onEnd?.(user);
  };
  const router = Router();
  router.post('/', express.json({ limit: '10kb' }), async (req, res) => {
    const user = readName(req.body);
    await end(req, user);
    const id = sessions.start(user, now() + LIFETIME_MS);
    res.cookie(COOKIE, id, { ...cookieOptions(req), signed: true, maxAge: LIFETIME_MS });
    res.status(200).json({ user });
  });
  router.get('/', (req, res) => {
    res.set('Cache-Control', 'no-store').json({ user: userOf(req) });
  });
  router.delete('/', async (req, res) => {
    await end(req, null);
    res.clearCookie(COOKIE, cookieOptions(req)).status(204).end();
  });
  return router;
}

function cookieOptions(req: Request) {
  return { httpOnly: true, sameSite: 'lax', secure: usesTls(req), path: '/' } as const;
}

/** Whether the browser used TLS. The header `Origin` says so even behind a proxy that is not trusted. */
function usesTls(req: Request): boolean {
  return req.secure || req.get('Origin')?.startsWith('https://') === true;
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

/** The session id in the cookie, or null when its signature is wrong. */
function idOf(req: Request): string | null {
  // cookie-parser gives `false` for a wrong signature, and leaves out a cookie without a signature.
  const id: unknown = req.signedCookies[COOKIE];
  return typeof id === 'string' ? id : null;
}
