// Stands for the tokens that you have already (JSON Web Tokens, for example): a user's id and an end, signed.
import { createHmac, timingSafeEqual } from 'node:crypto';

const SECRET = process.env.TOKEN_SECRET ?? 'only for this example';
export const TOKEN_SECONDS = 600;

const sign = (text: string) => createHmac('sha256', SECRET).update(text).digest('base64url');

/** A token with which `user` may use the API for ten minutes. */
export function makeToken(user: string): string {
  const claims = Buffer.from(JSON.stringify({ user, until: Date.now() + TOKEN_SECONDS * 1_000 })).toString('base64url');
  return `${claims}.${sign(claims)}`;
}

/** The user whose token is in this header `Authorization`; null if it is missing, forged or too old. */
export function userOf(authorization: string | undefined): string | null {
  const [, claims = '', signature = ''] = /^Bearer ([\w-]+)\.([\w-]+)$/.exec(authorization ?? '') ?? [];
  const [given, expected] = [Buffer.from(signature), Buffer.from(sign(claims))];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const { user, until } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return until > Date.now() ? user : null;
}
