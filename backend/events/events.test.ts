import { describe, expect, it } from '@jest/globals';
import { type LogLine, recordLog } from '../../test/support/log.ts';
import { guardLog } from '../log/log.ts';
import type { EventMap, EventName, NamedEvent } from './event-map.ts';
import { Events } from './events.ts';
import { LINES } from './log-events.ts';

/** The fields of the named event that tells how a task ended. */
const ended = () =>
  ({ task: 't', name: 'n', attempt: 1, status: 'failed', code: 'c', waitSeconds: 1, runSeconds: 2 }) as const;
const since = '2026-01-01T00:00:00.000Z';
const outage = { since, reason: 'ECONNREFUSED' };
const over = { since, seconds: 2, failures: 3 };

describe('a named event', () => {
  it('goes to each listener, with its name and its time, until the listener is removed', () => {
    const events = new Events(recordLog());
    const heard: NamedEvent[] = [];
    const stop = events.on('task.ended', (event) => heard.push(event));
    events.emit('task.ended', ended);
    events.emit('worker.stopped', () => ({ worker: 'w', seconds: 1, isStuck: false }));
    stop();
    stop();
    events.emit('task.ended', ended);
    expect(heard).toEqual([{ event: 'task.ended', at: expect.stringMatching(/^\d{4}-.*Z$/), ...ended() }]);
  });

  it('is only counted if nobody listens and it makes no log line', () => {
    const events = new Events(recordLog());
    events.emit('task.progressed', () => {
      throw new Error('nobody wants it');
    });
    expect(events.counts).toMatchObject({ 'task.progressed': 1, 'task.ended': 0 });
  });

  it.each<[string, () => unknown]>([
    ['throws', () => JSON.parse('{')],
    ['rejects', async () => JSON.parse('{')],
  ])('reaches the other listeners, and harms no caller, when a listener %s', async (_what, listener) => {
    const rejections: unknown[] = [];
    const note = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', note);
    const events = new Events(recordLog());
    let heard = 0;
    events.on('task.ended', listener);
    events.on('task.ended', () => {
      heard += 1;
    });
    expect(() => events.emit('task.ended', ended)).not.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', note);
    expect([heard, rejections]).toEqual([1, []]);
  });

  it('that does not exist cannot be listened for', () => {
    const events = new Events(recordLog());
    for (const name of ['task.end', 'toString', undefined]) {
      expect(() => events.on(name as never, () => undefined)).toThrow(/there is no event .* docs\/operating\.md/);
    }
    expect(() => events.on('task.ended', undefined as never)).toThrow('on: expected a function');
  });

  it('tells an error to the log only', () => {
    const log = recordLog();
    const events = new Events(guardLog(log));
    const heard: NamedEvent[] = [];
    events.on('handler.failed', (event) => heard.push(event));
    events.emit('handler.failed', () => ({ task: 't', name: 'n', attempt: 1, code: 'internal' }), { error: 'of ada' });
    expect(log.lines).toEqual([
      {
        level: 'error',
        message: expect.stringMatching(/^An attempt of "n" failed/),
        fields: { task: 't', attempt: 1, error: 'of ada' },
      },
    ]);
    expect(JSON.stringify(heard)).not.toContain('ada');
  });

  it('makes a debug line only for a log that wants them', () => {
    const lines: string[] = [];
    const events = new Events({ ...recordLog(), debug: (message) => void lines.push(message) });
    events.emit('webhook.refused', () => ({ why: 'unsigned' }));
    expect(lines).toEqual(['A webhook was refused']);
  });
});

describe('the log line of a named event', () => {
  const line = <N extends EventName>(name: N, event: EventMap[N]): LogLine | undefined => {
    const log = recordLog();
    new Events(log).emit(name, () => event);
    return log.lines[0];
  };

  it('has a level, a message and fields, or is missing where there is nothing to tell', () => {
    expect(line('redis.outage.began', { ...outage, part: 'store' })).toEqual({
      level: 'warn',
      message: expect.stringMatching(/^Redis does not answer: ECONNREFUSED\. .*see that Redis runs/),
      fields: { since },
    });
    expect(line('redis.unusable', { ...outage, part: 'queue' })?.message).toBe(
      'Redis (queue) answers, but cannot be used: ECONNREFUSED',
    );
    expect(line('redis.outage.ended', { ...over, part: 'store' })).toEqual({
      level: 'info',
      message: 'Redis answers again',
      fields: { since, failures: 3 },
    });
    expect(line('push.outage.began', outage)?.message).toMatch(/^Push does not work: ECONNREFUSED\. .*PUSHER_/);
    expect(line('fallback.outage.ended', over)?.message).toBe('The HTTP fallback reaches the bus again');
    expect(line('worker.died', { worker: 'w', tasks: [{ task: 't', verdict: 'suspect' }] })).toEqual({
      level: 'warn',
      message: expect.stringMatching(/^A worker died/),
      fields: { worker: 'w', tasks: ['t: suspect'] },
    });
    expect(line('worker.died', { worker: 'w', tasks: [] })).toBeUndefined();
    expect(line('definition.with-worker', { name: 'n' })).toEqual({
      level: 'info',
      message: 'A worker handles "n" again',
      fields: {},
    });
  });

  it('has the level debug for what is dropped, refused or frequent', () => {
    const ofDebug = (Object.keys(LINES) as EventName[]).filter((name) => LINES[name].level === 'debug');
    expect(ofDebug).toEqual(
      expect.arrayContaining(['change.refused', 'job.ignored', 'origin.refused', 'push.event.dropped', 'task.ended']),
    );
  });
});
