/** The demo's imports, over HTTP: an upload becomes a task, contacts and a file of rejected rows. */

import { afterEach, describe, expect, it } from '@jest/globals';
import type { Snapshot } from 'inloop';
import { shownDone } from '../../core/tasks/pace.ts';
import { eventually } from '../../test/support/eventually.ts';
import { type DemoApp, form, problemOf, useDemoApp } from '../../test/support/processes/demo-app.ts';
import { sampleCsv } from '../tools/sample-rows.ts';

let demo: DemoApp;
useDemoApp((started) => {
  demo = started;
});
// Once the tasks of a test are done, no uploaded file is left.
afterEach(() => demo.expectNoUploads());

describe('an import', () => {
  it('answers 202, runs, and leaves contacts and rejects for their owner only', async () => {
    const cookie = await demo.signIn('imp-ada');
    const other = await demo.signIn('imp-bob');
    const response = await demo.post(
      '/imports',
      form('name,email\nZoë,zoe@example.com\n=1,nope\n', 'Kunden März.csv'),
      {
        cookie,
      },
    );
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    const task = await demo.outcomeOf(response, cookie);
    expect(task).toMatchObject({ status: 'succeeded', title: 'Import Kunden März.csv' });
    const { rejectsUrl } = task.result as { rejectsUrl: string };
    expect(task.result).toEqual({ imported: 1, skipped: 1, rejectsUrl: `/imports/${task.id}/rejects` });

    const contacts = await (await demo.get('/contacts', cookie)).json();
    expect(contacts).toEqual({
      contacts: [{ name: 'Zoë', email: 'zoe@example.com', company: '', phone: '' }],
      total: 1,
      nextCursor: null,
    });
    expect(await (await demo.get('/contacts', other)).json()).toMatchObject({ total: 0 });

    const rejects = await demo.get(rejectsUrl, cookie);
    expect(rejects.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(rejects.headers.get('content-disposition')).toMatch(
      /^attachment; .*filename\*=UTF-8''Kunden%20M%C3%A4rz-rejected\.csv/,
    );
    expect(rejects.headers.get('cache-control')).toBe('private, no-store');
    expect(await rejects.text()).toContain("2,The e-mail address is not valid.,'=1,nope");
    expect((await problemOf(await demo.get(rejectsUrl, other))).status).toBe(404);
    expect((await problemOf(await demo.get(`/tasks/${task.id}`, other))).status).toBe(404);
  });

  it('of a file with a very long name keeps whole characters of it', async () => {
    const cookie = await demo.signIn('long-name');
    const response = await demo.post('/imports', form('email\na@b.co\n', `x${'😀'.repeat(119)}.csv`), { cookie });
    expect(await demo.outcomeOf(response, cookie)).toMatchObject({ title: `Import x${'😀'.repeat(74)}` });
  });

  it('gives one task for one Idempotency-Key, and refuses the key for another file', async () => {
    const cookie = await demo.signIn('idem');
    const headers = { cookie, 'Idempotency-Key': 'k1' };
    const first = (await (await demo.post('/imports', form('email\na@b.co\n'), headers)).json()) as Snapshot;
    const second = (await (await demo.post('/imports', form('email\na@b.co\n'), headers)).json()) as Snapshot;
    expect(second.id).toBe(first.id);
    const other = await demo.post('/imports', form('email\nother@b.co\n'), headers);
    expect(other.status).toBe(422);
    await eventually(async () => expect((await demo.tasksOf(cookie))[0]?.status).toBe('succeeded'));
    const late = (await (await demo.post('/imports', form('email\na@b.co\n'), headers)).json()) as Snapshot;
    expect(late.id).toBe(first.id);
    expect(await demo.tasksOf(cookie)).toHaveLength(1);
  });

  // `torn`: in row 40 of 60 a quotation mark is opened and never closed, so 39 rows are read.
  it('of a file with a fault in the middle fails with a reason, and keeps the rows before it', async () => {
    const cookie = await demo.signIn('torn');
    const response = await demo.post('/imports', form([...sampleCsv({ rows: 60, kind: 'torn' })].join('')), { cookie });
    const task = await demo.outcomeOf(response, cookie);
    expect(task).toMatchObject({
      status: 'failed',
      attempt: 1,
      error: { code: 'broken_csv', retryable: false, message: expect.stringMatching(/^Row 40 .* 39 were imported/) },
      progress: { done: 39 },
    });
    expect(await (await demo.get('/contacts', cookie)).json()).toMatchObject({ total: 39 });
  });

  it('shows its owner more than five steps when it runs at the slow pace', async () => {
    const cookie = await demo.signIn('slow');
    const body = form([...sampleCsv({ rows: 100 })].join(''));
    body.append('pace', 'slow');
    const { id } = (await (await demo.post('/imports', body, { cookie })).json()) as Snapshot;
    /** What a page would show. Few steps are stored, since a page moves on by the rate of the last one. */
    const shown = new Set<number>();
    await eventually(
      async () => {
        const task = (await (await demo.get(`/tasks/${id}`, cookie)).json()) as Snapshot;
        const age = Date.now() - Date.parse(task.updatedAt);
        if (task.status === 'running' && task.progress) shown.add(Math.floor(shownDone(task.progress, age)));
        return task.status === 'succeeded';
      },
      { within: 20_000 },
    );
    expect(shown.size).toBeGreaterThan(5);
  }, 30_000);
});
