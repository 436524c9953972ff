import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { recordLog } from '../../test/support/log.ts';
import { consoleLog, createConsoleLog, guardLog, type Log } from './log.ts';

describe('the log on the console', () => {
  const lines: string[] = [];
  beforeEach(() => {
    jest.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
  });
  afterEach(() => {
    jest.restoreAllMocks();
    lines.length = 0;
  });

  it('is one line for each entry, with its fields as JSON', () => {
    consoleLog.info('started');
    consoleLog.warn('slow', { ms: 7 });
    consoleLog.error('failed', { error: new Error('a\nb'), task: 't' });
    expect(lines.slice(0, 2)).toEqual(['inloop info: started', 'inloop warn: slow {"ms":7}']);
    expect(lines[2]).toMatch(/^inloop error: failed \{"error":"Error: a\\nb\\n {4}at .*","task":"t"\}$/);
    for (const line of lines) expect(line).not.toContain('\n');
  });

  it('has a debug function only with INLOOP_DEBUG=1, so that otherwise no debug line is even built', () => {
    expect(consoleLog.debug).toBeUndefined();
    expect(guardLog(createConsoleLog({ INLOOP_DEBUG: '0' })).debug).toBeUndefined();
    guardLog(createConsoleLog({ INLOOP_DEBUG: '1' })).debug?.('dropped', { why: 'stale' });
    expect(lines).toEqual(['inloop debug: dropped {"why":"stale"}']);
  });
});

describe("an adopter's log", () => {
  it('gets plain data only, whatever was logged', () => {
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

  it('gets lines of limited length', () => {
    const log = recordLog();
    guardLog(log).warn('m'.repeat(1e6), { a: 'x'.repeat(1e6), b: Array(1e6).fill('y'.repeat(1e5)) });
    expect(JSON.stringify(log.lines).length).toBeLessThan(40_000);
  });
});
