import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { recordLog } from '../test/support/log.ts';
import { consoleLog, guardLog, type Log, Outage } from './log.ts';

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

describe('an outage that must be calm to be over', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is not over between two failures', () => {
    const log = recordLog();
    const outage = new Outage(log, 'Redis', 3_000);
    for (let n = 0; n < 5; n++) {
      outage.failed('READONLY');
      for (let tries = 0; tries < 5; tries++) {
        outage.succeeded();
        jest.advanceTimersByTime(500);
      }
    }
    expect(log.lines.map(({ level }) => level)).toEqual(['warn']);
    for (let tries = 0; tries < 3; tries++) {
      outage.succeeded();
      jest.advanceTimersByTime(500);
    }
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(outage.since).toBeNull();
  });

  it('is told once in each way that it fails, and again in the next', () => {
    const log = recordLog();
    const outage = new Outage(log, 'Redis');
    for (let n = 0; n < 2; n++) {
      for (const how of ['does not answer', 'is full', 'does not answer', 'is full']) outage.failed('why', how);
      outage.succeeded();
    }
    const once = ['Redis does not answer: why', 'Redis is full: why', 'Redis answers again'];
    expect(log.lines.map(({ message }) => message)).toEqual([...once, ...once]);
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

describe("an adopter's log", () => {
  it('gets plain data, whatever there was to say', () => {
    const log = recordLog();
    const circular: Record<string, unknown> = { n: 10n };
    circular.self = circular;
    guardLog(log).error('line\nbreak', { circular, error: new Error('x'), none: undefined });
    guardLog(log).info('bare');
    expect(log.lines).toEqual([
      {
        level: 'error',
        message: 'line break',
        fields: { circular: { n: '10n', self: '[circular]' }, error: expect.stringMatching(/^Error: x\n/) },
      },
      { level: 'info', message: 'bare', fields: {} },
    ]);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => JSON.parse('{')],
    ['rejects', async () => JSON.parse('{')],
    ['is no function', undefined as never],
  ])('that %s hurts nobody', async (_what, say) => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', note);
    const guarded = guardLog({ info: say, warn: say, error: say } as Log);
    for (const level of ['info', 'warn', 'error'] as const) expect(() => guarded[level]('x', { a: 1 })).not.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
  });

  it('gets lines that are bounded', () => {
    const log = recordLog();
    guardLog(log).warn('m'.repeat(1e6), { a: 'x'.repeat(1e6), b: Array(1e6).fill('y'.repeat(1e5)) });
    expect(JSON.stringify(log.lines).length).toBeLessThan(40_000);
  });
});
