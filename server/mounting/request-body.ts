/**
 * Reads bodies, also where a body parser of the application has been there before. It serves the task router and the operator's.
 *
 * A request's body can be read once. If `express.json()` is mounted for the whole application, `req.body` is already set, and
 * nothing is left to read. Which parser it was shows in the kind of the body: an object, a text or a Buffer.
 */

import express, { type Request, type RequestHandler } from 'express';
import { isObject } from '../../core/values/options.ts';
import { refusal } from '../problem.ts';

/** What body parsers of Express and others leave on a request. */
interface ReadRequest {
  readonly body?: unknown;
  /** Set by the parsers of Express when they have read the body. */
  readonly _body?: unknown;
  /** The raw body, which some platforms and `verify` functions keep. */
  readonly rawBody?: unknown;
}

/** The body as it was sent. `isRebuilt`: made from the parsed body, so white space and escapes may differ. */
export interface RawBody {
  readonly text: string;
  readonly isRebuilt: boolean;
}

/** Requests whose body was read by one of the parsers below. */
const readHere = new WeakSet<Request>();

/** Reads a JSON body of at most `limit` bytes, unless it was read before. Then use {@link jsonOf}. */
export function readJson(limit: number): RequestHandler {
  // Not strict: any JSON is read, so that a text or a number is refused as what it is, and not as bad JSON.
  return unlessRead(express.json({ limit, strict: false }));
}

/** Reads a form of at most `limit` bytes, unless it was read before. Then use {@link formOf}. */
export function readForm(limit: number): RequestHandler {
  return unlessRead(express.urlencoded({ extended: false, limit }));
}

/** Reads a body of any type, of at most `limit` bytes, unless it was read before. Then use {@link rawOf}. */
export function readText(limit: number): RequestHandler {
  return unlessRead(express.text({ type: () => true, limit }));
}

/** The JSON value of the body; undefined if there was none. @throws TaskError `invalid_json` (400), `body_already_read` (500) */
export function jsonOf(req: Request): unknown {
  const body = parsedBody(req);
  // A text that our own parser gave was sent as a JSON text.
  if (typeof body !== 'string' || readHere.has(req)) return body;
  try {
    return JSON.parse(body);
  } catch {
    throw refusal('invalid_json', 'The body is not valid JSON.', 400);
  }
}

/** The fields of the form that was sent; undefined if there was none. @throws TaskError `body_already_read` (500) */
export function formOf(req: Request): Record<string, unknown> | undefined {
  const body = parsedBody(req);
  if (typeof body === 'string') return Object.fromEntries(new URLSearchParams(body));
  return isObject(body) ? (body as Record<string, unknown>) : undefined;
}

/** The raw body; null if it was not kept and cannot be made from the parsed one. */
export function rawOf(req: Request): RawBody | null {
  const { body, rawBody } = req as ReadRequest;
  for (const kept of [rawBody, body]) {
    if (typeof kept === 'string') return { text: kept, isRebuilt: false };
    if (Buffer.isBuffer(kept)) return { text: kept.toString('utf8'), isRebuilt: false };
  }
  return wasRead(req) && body !== undefined ? { text: JSON.stringify(body), isRebuilt: true } : null;
}

/** The body as a parser left it, a Buffer as its text; undefined if nothing was parsed (Express 4 has an empty object then). */
function parsedBody(req: Request): unknown {
  if (!wasRead(req)) return undefined;
  const { body } = req as ReadRequest;
  if (body === undefined && hasBody(req)) {
    throw refusal(
      'body_already_read',
      'Something before the task router has read the body and left nothing in req.body. Mount the router before it.',
      500,
    );
  }
  return Buffer.isBuffer(body) ? body.toString('utf8') : body;
}

function unlessRead(parse: RequestHandler): RequestHandler {
  return (req, res, next) => {
    if (wasRead(req)) return next();
    readHere.add(req);
    parse(req, res, next);
  };
}

function wasRead(req: Request): boolean {
  return (req as ReadRequest)._body === true || req.readableEnded;
}

/** Whether the headers announce a body that is not empty. */
export function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
