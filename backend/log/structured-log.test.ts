import { expect, it } from '@jest/globals';
import { type Level, pino } from 'pino';
import { guardLog } from './log.ts';
import { structuredLog } from './structured-log.ts';

/** A pino whose lines are kept. */
function recordPino(level: Level) {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level, base: null, timestamp: false }, { write: (line) => void lines.push(JSON.parse(line)) });
  return { logger, lines };
}

it('writes each line with its fields as properties', () => {
  const { logger, lines } = recordPino('debug');
  const log = guardLog(structuredLog(logger));
  log.info('started');
  log.warn('slow', { ms: 7 });
  log.error('failed', { task: 't', worker: 'w' });
  log.debug?.('dropped', { why: 'stale' });
  expect(lines).toEqual([
    { level: 30, msg: 'started' },
    { level: 40, ms: 7, msg: 'slow' },
    { level: 50, task: 't', worker: 'w', msg: 'failed' },
    { level: 20, why: 'stale', msg: 'dropped' },
  ]);
});

it('makes debug lines only if the logger writes them', () => {
  expect(structuredLog(recordPino('info').logger).debug).toBeUndefined();
  expect(structuredLog(recordPino('trace').logger).debug).toBeDefined();
});

it.each([
  ['nothing', undefined, 'info'],
  ['a function', () => undefined, 'info'],
  ['a logger without warnings', { info: () => undefined }, 'warn'],
])('refuses %s, and names what is missing', (_what, logger, missing) => {
  expect(() => structuredLog(logger as never)).toThrow(
    `structuredLog needs a logger like pino(): it has no function "${missing}".`,
  );
});
