import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import express from 'express';
import { Events } from '../backend/events/events.ts';
import { recordLog } from '../test/support/log.ts';
import { createHealthRouter } from './health.ts';

describe('the metrics of a process', () => {
  it('count its named events, and tell how long tasks waited and ran', async () => {
    const events = new Events(recordLog());
    const router = createHealthRouter({
      check: async () => ({ redis: true, push: true }),
      counters: () => ({}),
      eventCounters: () => ({}) as never,
      namedEventCounters: () => events.counts,
      on: (name, listener) => events.on(name, listener),
    });
    const task = { task: 't', name: 'import', attempt: 1 };
    events.emit('task.started', () => ({ ...task, attempts: 3, waitSeconds: 0.2 }));
    events.emit('task.ended', () => ({ ...task, status: 'succeeded', code: null, waitSeconds: 0.2, runSeconds: 3 }));
    const server = createServer(express().use(router)).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      for (const line of [
        'inloop_events_total{event="task.ended"} 1',
        'inloop_events_total{event="worker.died"} 0',
        'inloop_attempt_wait_seconds_sum{name="import"} 0.2',
        'inloop_task_run_seconds_sum{name="import",status="succeeded"} 3',
      ]) {
        expect(text).toContain(line);
      }
    } finally {
      server.close();
    }
  });
});
