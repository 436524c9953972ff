/** Lets a structured logger, such as pino, be the log of a backend. It serves adopters. */

import { isObject, refuseOptions } from '../../core/values/options.ts';
import type { Log } from './log.ts';

/** A logger whose functions take the fields first: pino, bunyan, Fastify's `app.log`. */
export interface StructuredLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  /** Whether lines of this level are written. Without this function, debug lines are made and passed on. */
  isLevelEnabled?(level: 'debug'): boolean;
}

/**
 * A log that writes to a structured logger. Lines of the level debug are made only if the logger writes them at this moment, so
 * set its level first.
 *
 * @throws ConfigError `invalid_options` if `logger` lacks one of the four functions
 *
 * @example
 * const backend = createBackend({ redis, pusher, log: structuredLog(pino().child({ module: 'inloop' })) });
 */
export function structuredLog(logger: StructuredLogger): Log {
  for (const level of ['info', 'warn', 'error', 'debug'] as const) {
    if (!isObject(logger) || typeof logger[level] !== 'function') {
      refuseOptions(`structuredLog needs a logger like pino(): it has no function "${level}".`);
    }
  }
  const log: Log = {
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
  };
  if (logger.isLevelEnabled?.('debug') === false) return log;
  return { ...log, debug: (message, fields = {}) => logger.debug(fields, message) };
}
