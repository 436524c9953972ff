/** Refuses uploads that are too large while they arrive, and explains why an upload was refused. */

import type { ErrorRequestHandler, RequestHandler } from 'express';
import { TaskError } from 'inloop';
import { sendProblem } from 'inloop/server';
import multer from 'multer';
import { refusal } from '../refusal.ts';

/** Bytes of a form besides its file: boundaries, part headers, small fields. */
const FORM_BYTES = 64 * 1024;

/**
 * Answers 413 as soon as a body is larger than a form with a file of `maxBytes`, or its `Content-Length` says so. multer would
 * not store the file either, but it answers only after the last byte, which an endless body never sends.
 */
export function limitUpload(maxBytes: number): RequestHandler {
  return (req, res, next) => {
    if (Number(req.get('Content-Length') ?? 0) > maxBytes + FORM_BYTES) throw tooLarge(maxBytes);
    let received = 0;
    req.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > maxBytes + FORM_BYTES && !res.headersSent) sendProblem(res, tooLarge(maxBytes));
    });
    next();
  };
}

/** Error handler for routes with uploads. @param maxBytes the limit, for the message */
export function explainUploadErrors(maxBytes: number): ErrorRequestHandler {
  return (error: unknown, _req, res, next) => {
    if (res.headersSent) return; // limitUpload has answered.
    next(isUploadError(error) ? explain(error, maxBytes) : error);
  };
}

/** Errors of busboy (no boundary, a form that ends too early) have no class and no code, so they are recognized by message. */
function isUploadError(error: unknown): error is Error {
  if (error instanceof multer.MulterError) return true;
  if (error instanceof TaskError) return false;
  return error instanceof Error && /multipart|boundary|end of form|request aborted|part header/i.test(error.message);
}

function explain(error: Error, maxBytes: number): TaskError {
  switch (error instanceof multer.MulterError ? error.code : null) {
    case 'LIMIT_FILE_SIZE':
      return tooLarge(maxBytes);
    case 'LIMIT_UNEXPECTED_FILE':
    case 'LIMIT_FILE_COUNT':
      return refusal('bad_form', 400, 'Expected one file in the form field "file", got another field or more files.');
    default:
      return refusal(
        'bad_form',
        400,
        'The form could not be read: expected multipart/form-data with one field "file".',
      );
  }
}

function tooLarge(maxBytes: number): TaskError {
  return refusal(
    'file_too_large',
    413,
    `The file is larger than ${formatBytes(maxBytes)}, the most that can be imported at once. Split it and import the parts.`,
  );
}

/** Formats bytes: `50 MB`, `1.5 KB`. */
function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}
