import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { recordLog } from '../test/support/log.ts';
import { consoleLog, Outage } from './log.ts';

describe('an outage', () => {
  it('is said once when it begins and once when it ends, with since when and how many calls failed', () => {
    const log = recordLog();
    const outage = new Outage(log, 'Redis');
    outage.succeeded();
    expect(outage.since).toBeNull();
    for (let n = 0; n < 3; n++) outage.failed('ECONNREFUSED');
    const since = new Date(outage.since ?? Number.NaN).toISOString();
    outage.succeeded();
    outage.succeeded();
    expect(outage.since).toBeNull();
    expect(log.lines).toEqual([
      { level: 'warn', message: 'Redis does not answer: ECONNREFUSED', fields: { since } },
      { level: 'info', message: 'Redis answers again', fields: { since, failures: 3 } },
    ]);
    outage.failed('again');
    expect(log.lines).toHaveLength(3);
  });
});

describe('the log on the console', () => {
  const lines: string[] = [];
  beforeEach(() => {
    jest.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
  });
  afterEach(() => {
    jest.restoreAllMocks();
    lines.length = 0;
  });

  it('is one line each, with what belongs to it as JSON', () => {
    consoleLog.info('started');
    consoleLog.warn('slow', { ms: 7 });
    consoleLog.error('failed', { error: new Error('a\nb'), task: 't' });
    expect(lines.slice(0, 2)).toEqual(['inloop info: started', 'inloop warn: slow {"ms":7}']);
    expect(lines[2]).toMatch(/^inloop error: failed \{"error":"Error: a\\nb\\n {4}at .*","task":"t"\}$/);
    for (const line of lines) expect(line).not.toContain('\n');
  });
});
