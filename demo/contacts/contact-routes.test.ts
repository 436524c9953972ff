// Reading contacts and exporting them, over HTTP.
import { afterEach, describe, expect, it } from '@jest/globals';
import { type DemoApp, form, MAX_STARTS, problemOf, useDemoApp } from '../../test/support/processes/demo-app.ts';
import { sampleCsv } from '../tools/sample-rows.ts';

let demo: DemoApp;
useDemoApp((started) => {
  demo = started;
});
// Once the tasks of a test are done, no uploaded file is left.
afterEach(() => demo.expectNoUploads());

describe('contacts and reports', () => {
  it('returns all contacts, page by page', async () => {
    const cookie = await demo.signIn('pager');
    await demo.outcomeOf(await demo.post('/imports', form([...sampleCsv({ rows: 45 })].join('')), { cookie }), cookie);
    const emails: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const path: string = `/contacts?limit=20${cursor && `&cursor=${cursor}`}`;
      const page = (await (await demo.get(path, cookie)).json()) as {
        contacts: { email: string }[];
        nextCursor: string | null;
      };
      emails.push(...page.contacts.map(({ email }) => email));
      cursor = page.nextCursor;
    }
    expect(new Set(emails).size).toBe(45);
    expect(emails).toEqual(emails.toSorted());
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'limit=1&limit=2', 'cursor=*', 'cursor=a&cursor=b'])(
    'refuses the query %s',
    async (query) => {
      expect(await problemOf(await demo.get(`/contacts?${query}`, await demo.signIn()))).toMatchObject({ status: 400 });
    },
  );

  it('refuses a user who starts too many, with a sentence, and with when to try again', async () => {
    const [cookie, other] = [await demo.signIn('eager'), await demo.signIn('calm')];
    const start = () => demo.post('/reports', null, { cookie });
    const answers = await Promise.all(Array.from({ length: MAX_STARTS + 2 }, start));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(MAX_STARTS);
    const refused = answers.find(({ status }) => status === 429) as Response;
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30);
    expect(await problemOf(refused)).toMatchObject({
      code: 'too_many_tasks',
      detail: expect.stringMatching(/^You may start 40 tasks within a minute\. Try again in \d+ seconds\.$/),
    });
    expect((await demo.post('/reports', null, { cookie: other })).status).toBe(202);
  });

  it('exports to a file that only its owner can open', async () => {
    const cookie = await demo.signIn('rep-ada');
    const other = await demo.signIn('rep-bob');
    await demo.outcomeOf(await demo.post('/imports', form('name,email\nAda,ada@example.com\n'), { cookie }), cookie);
    const task = await demo.outcomeOf(await demo.post('/reports', null, { cookie }), cookie);
    expect(task.result).toEqual({ exported: 1, downloadUrl: `/reports/${task.id}/file` });
    const file = await demo.get(`/reports/${task.id}/file`, cookie);
    expect(await file.text()).toBe('name,email,company,phone\r\nAda,ada@example.com,,\r\n');
    expect((await problemOf(await demo.get(`/reports/${task.id}/file`, other))).status).toBe(404);
    expect((await problemOf(await demo.get(`/reports/${task.id}/file`))).status).toBe(401);
    expect((await problemOf(await demo.get('/reports/..%2f..%2fdemo.db/file', cookie))).status).toBe(404);
  });
});
