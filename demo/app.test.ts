import { describe, expect, it } from '@jest/globals';
import { eventually } from '../test/support/eventually.ts';
import { type DemoApp, OPERATOR, problemOf, useDemoApp } from '../test/support/processes/demo-app.ts';
import { sampleCsv } from './tools/sample-rows.ts';

let demo: DemoApp;
useDemoApp((started) => {
  demo = started;
});

describe('the page and the probes', () => {
  it('serves the page with a policy that names the bus and allows nothing inline', async () => {
    const page = await demo.get('/');
    expect(await page.text()).toContain('<title>page</title>');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain(`ws://127.0.0.1:${demo.soketi.pusher.port}`);
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(page.headers.get('x-powered-by')).toBeNull();
  });

  it('serves the samples to everyone', async () => {
    const sample = await demo.get('/samples/contacts-100.csv');
    expect(sample.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(await sample.text()).toBe([...sampleCsv({ rows: 100 })].join(''));
    expect((await demo.get('/samples/other.csv')).status).toBe(404);
  });

  it('has a page for its operators, and answers everybody else as if there were none', async () => {
    for (const cookie of ['', await demo.signIn('ada')]) {
      expect(await problemOf(await demo.get('/operator/', cookie))).toMatchObject({ status: 404, code: 'not_found' });
    }
    const cookie = await demo.signIn(OPERATOR);
    const page = await demo.get('/operator/', cookie);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await (await demo.get('/operator/api/session', cookie)).json()).toMatchObject({
      role: 'act',
      who: OPERATOR,
    });
  });

  it('answers an unknown path with a problem', async () => {
    expect(await problemOf(await demo.get('/nowhere'))).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('shows metrics of the process and of inloop', async () => {
    const metrics = await (await demo.get('/metrics')).text();
    expect(metrics).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(metrics).toMatch(/^inloop_push_events_total \d+/m);
    for (const kind of ['queued', 'running', 'progress', 'retrying', 'cancelling', 'outcome', 'seen']) {
      for (const fate of ['sent', 'merged', 'dropped']) {
        expect(metrics).toMatch(new RegExp(`^inloop_push_messages_total{kind="${kind}",fate="${fate}"} \\d+`, 'm'));
      }
    }
  });

  it('is ready while Redis and push answer, and names the one that does not', async () => {
    expect((await demo.get('/healthz')).status).toBe(200);
    const ready = await demo.get('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'ready', redis: true, push: true });
    await demo.soketi.kill();
    const away = await demo.get('/readyz');
    expect(away.status).toBe(503);
    expect(await away.json()).toEqual({ status: 'not ready: push not answering', redis: true, push: false });
    await demo.soketi.restart();
    await eventually(async () => expect((await demo.get('/readyz')).status).toBe(200), { within: 10_000 });
  }, 30_000);
});
