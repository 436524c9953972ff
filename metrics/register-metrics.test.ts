import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { Events } from '../backend/events/events.ts';
import { recordLog } from '../test/support/log.ts';
import { type MeasuredBackend, registerMetrics } from './register-metrics.ts';

/** A registry with the metrics of a process in which the events happen. */
function measured(more: Partial<MeasuredBackend> = {}) {
  const events = new Events(recordLog());
  const register = new Registry();
  const backend = {
    load: async () => ({ waiting: {}, withoutHeartbeat: 0 }),
    counters: () => ({ push_bytes: 1_234 }),
    eventCounters: () => ({ progress: { sent: 3, merged: 40, dropped: 0 } }) as never,
    namedEventCounters: () => events.counts,
    on: events.on.bind(events),
    ...more,
  };
  registerMetrics({ backend, register });
  return { events, register, backend };
}

const task = { task: 't', name: 'import', attempt: 1 };

describe('the metrics of a process', () => {
  it('tell how long tasks waited and ran, and how they ended', async () => {
    const { events, register } = measured();
    events.emit('task.started', () => ({ ...task, attempts: 3, waitSeconds: 0.2 }));
    events.emit('task.ended', () => ({ ...task, status: 'succeeded', code: null, waitSeconds: 0.2, runSeconds: 3 }));
    events.emit('task.ended', () => ({ ...task, status: 'failed', code: 'no_disk', waitSeconds: 0.2, runSeconds: 1 }));
    events.emit('task.ended', () => ({
      ...task,
      status: 'cancelled',
      code: null,
      waitSeconds: 0.2,
      runSeconds: null,
    }));
    const text = await register.metrics();
    for (const line of [
      'inloop_attempts_total{name="import"} 1',
      'inloop_attempt_wait_seconds_sum{name="import"} 0.2',
      'inloop_task_run_seconds_sum{name="import",status="succeeded"} 3',
      'inloop_outcomes_total{name="import",status="succeeded",code=""} 1',
      'inloop_outcomes_total{name="import",status="failed",code="no_disk"} 1',
      'inloop_outcomes_total{name="import",status="cancelled",code=""} 1',
      'inloop_events_total{event="task.ended"} 3',
      'inloop_events_total{event="worker.died"} 0',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toContain('inloop_task_run_seconds_sum{name="import",status="cancelled"}');
  });

  it('stay few when a handler makes up a code for each error', async () => {
    const { events, register } = measured();
    for (let n = 0; n < 500; n += 1) {
      const code = `row_${n}`;
      events.emit('task.ended', () => ({ ...task, status: 'failed', code, waitSeconds: 0, runSeconds: 1 }));
    }
    const text = await register.metrics();
    expect(text.match(/^inloop_outcomes_total\{/gm)).toHaveLength(101);
    expect(text).toContain('inloop_outcomes_total{name="import",status="failed",code="other"} 400');
  });

  it('count what was pushed, merged and dropped, and do not count it twice when they are read twice', async () => {
    const { register } = measured();
    await register.metrics();
    const text = await register.metrics();
    expect(text).toContain('inloop_push_bytes_total 1234');
    expect(text).toContain('inloop_push_messages_total{kind="progress",fate="sent"} 3');
    expect(text).toContain('inloop_push_messages_total{kind="progress",fate="merged"} 40');
  });

  it.each(['redis.outage.began', 'redis.unusable'] as const)(
    'tell how long Redis could not be used: %s',
    async (began) => {
      const { events, register } = measured();
      const seconds = async () =>
        Number(/inloop_outage_seconds_total\{part="redis_store"\} (.*)/.exec(await register.metrics())?.[1]);
      expect(await seconds()).toBe(0);
      const since = new Date().toISOString();
      events.emit(began, () => ({ part: 'store', reason: 'its memory is full', since }));
      const first = await seconds();
      expect(first).toBeGreaterThan(0);
      events.emit('redis.outage.ended', () => ({ part: 'store', since, seconds: 1, failures: 1 }));
      const whole = await seconds();
      expect(whole).toBeGreaterThanOrEqual(first);
      expect(await seconds()).toBe(whole);
    },
  );

  it('tell how long the event loop was blocked and how many clients use the fallback', async () => {
    const { events, register } = measured();
    events.emit('worker.blocked', () => ({ seconds: 12.5, tasks: [] }));
    events.emit('fallback.session.opened', () => ({ open: 1 }));
    events.emit('fallback.session.opened', () => ({ open: 2 }));
    events.emit('fallback.session.closed', () => ({ open: 1, seconds: 3 }));
    const text = await register.metrics();
    expect(text).toContain('inloop_event_loop_blocked_seconds_total 12.5');
    expect(text).toContain('inloop_fallback_sessions 1');
  });

  it('tell what there is to do, by one question to Redis', async () => {
    let questions = 0;
    const load = async () => {
      questions += 1;
      return { waiting: { import: 7, export: 0 }, withoutHeartbeat: 2 };
    };
    const text = await measured({ load }).register.metrics();
    expect(text).toContain('inloop_waiting_tasks{name="import"} 7');
    expect(text).toContain('inloop_waiting_tasks{name="export"} 0');
    expect(text).toContain('inloop_tasks_without_heartbeat 2');
    expect(questions).toBe(1);
  });

  it('are shown while Redis is away, but for what there is to do', async () => {
    const { register } = measured({ load: async () => Promise.reject(new Error('away')) });
    const text = await register.metrics();
    expect(text).toContain('inloop_push_bytes_total 1234');
    expect(text).not.toMatch(/^inloop_(waiting_tasks|tasks_without_heartbeat)[ {]/m);
  });

  it('are registered once for each registry, and only with one of prom-client', () => {
    const { backend, register } = measured();
    expect(() => registerMetrics({ backend, register })).toThrow(/once for each registry/);
    expect(() => registerMetrics({ backend, register: undefined as never })).toThrow(/needs \{ register/);
  });
});
