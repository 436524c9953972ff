// Uploads that are refused: no task is started, and no file is left.
import { request } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { type DemoApp, form, problemOf, useDemoApp } from '../../test/support/processes/demo-app.ts';
import { MAX_STORED_BYTES, MAX_UPLOADS } from '../database/file-records.ts';

let demo: DemoApp;
useDemoApp((started) => {
  demo = started;
});
// Once the tasks of a test are done, no uploaded file is left.
afterEach(() => demo.expectNoUploads());

function formWith(field: string, value: string): FormData {
  const data = new FormData();
  data.append(field, value);
  return data;
}

describe('an import', () => {
  const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  const utf16 = Uint8Array.from([0xff, 0xfe, ...Buffer.from('email\na@b.co\n', 'utf16le')]);
  const latin1 = Uint8Array.from(Buffer.from('email,größe\na@b.co,1\n', 'latin1'));
  const zip = Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 6, 0, 8, 0]);
  it.each([
    ['a picture', form(png), 415, 'not_csv'],
    ['a spreadsheet', form(zip), 415, 'not_csv'],
    ['UTF-16', form(utf16), 415, 'not_csv'],
    ['Latin-1', form(latin1), 415, 'not_csv'],
    ['an empty file', form(''), 422, 'empty_file'],
    ['empty lines', form('\n\r\n\n'), 422, 'empty_file'],
    ['a header alone', form('name,email\n'), 422, 'no_rows'],
    ['no e-mail column', form('name,phone\nAda,1\n'), 422, 'no_email_column'],
    ['JSON', form('{"email": "a@b.co"}\n{}\n'), 422, 'broken_csv'],
    ['a header with a broken quotation mark', form('name,"email\nAda,a@b.co\n'), 422, 'broken_csv'],
    ['a file over the limit', form(`email\n${'a@example.com\n'.repeat(7_500)}`), 413, 'file_too_large'],
    ['a file far over the limit', form(`email\n${'a@example.com\n'.repeat(200_000)}`), 413, 'file_too_large'],
    ['the wrong field', form('email\na@b.co\n', 'x.csv', 'document'), 400, 'bad_form'],
    ['a form without a file', formWith('pace', 'slow'), 400, 'no_file'],
    ['a form that ends too early', null, 400, 'bad_form'],
  ])('refuses %s: no task, no file', async (_what, body, status, code) => {
    const cookie = await demo.signIn('bad-uploads');
    const response =
      body === null
        ? await demo.post(
            '/imports',
            '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\na',
            {
              cookie,
              'Content-Type': 'multipart/form-data; boundary=x',
            },
          )
        : await demo.post('/imports', body, { cookie });
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ status, code });
    expect(problem.detail).toMatch(/^[A-Z].{20,}\.$/);
    expect(await demo.tasksOf(cookie)).toEqual([]);
    // multer may answer a moment before the file is gone.
    await demo.expectNoUploads();
  });

  it.each([
    ['two files', () => [form('email\na@b.co\n'), 'file'] as const, 400],
    ['an unknown pace', () => [form('email\na@b.co\n'), 'pace'] as const, 422],
  ])('refuses %s', async (_what, make, status) => {
    const cookie = await demo.signIn('bad-uploads');
    const [body, field] = make();
    body.append(field, field === 'file' ? new Blob(['email\nb@b.co\n']) : 'warp');
    expect(await problemOf(await demo.post('/imports', body, { cookie }))).toMatchObject({ status });
    expect(await demo.tasksOf(cookie)).toEqual([]);
  });

  it.each(['application/json', 'text/csv'])('refuses a body of type %s', async (type) => {
    const cookie = await demo.signIn('bad-uploads');
    const response = await demo.post('/imports', 'email\na@b.co\n', { cookie, 'Content-Type': type });
    expect(await problemOf(response)).toMatchObject({ status: 415, code: 'no_file' });
  });

  it('is refused while the user has too many waiting uploads, or too many bytes stored', async () => {
    const cookie = await demo.signIn('greedy');
    const other = await demo.signIn('modest');
    for (let n = 0; n < MAX_UPLOADS; n++) demo.data.db.files.note(`waiting-${n}`, 'upload', 'greedy', 1);
    const many = await demo.post('/imports', form('email\na@b.co\n'), { cookie });
    expect(await problemOf(many)).toMatchObject({ status: 429, code: 'too_many_uploads' });
    expect(many.headers.get('retry-after')).toBe('10');
    for (let n = 0; n < MAX_UPLOADS; n++) demo.data.db.files.remove(`waiting-${n}`);
    demo.data.db.files.note('report', 'download', 'greedy', MAX_STORED_BYTES - 8);
    const full = await demo.post('/imports', form('email\na@b.co\n'), { cookie });
    expect(await problemOf(full)).toMatchObject({ status: 413, code: 'storage_full' });
    demo.data.db.files.note('report', 'download', 'greedy', MAX_STORED_BYTES + 1);
    expect(await problemOf(await demo.post('/reports', null, { cookie }))).toMatchObject({ code: 'storage_full' });
    expect(await demo.tasksOf(cookie)).toEqual([]);
    await demo.outcomeOf(await demo.post('/imports', form('email\na@b.co\n'), { cookie: other }), other);
    // An imported file takes no room any more.
    expect(() => demo.data.db.files.requireRoom('modest', 'upload', MAX_STORED_BYTES)).not.toThrow();
  });

  it('is refused while ten uploads of the same user are arriving', async () => {
    const cookie = await demo.signIn('hurried');
    const uploads = Array.from({ length: 10 }, () => {
      const upload = request(`${demo.url}/imports`, {
        method: 'POST',
        headers: { cookie, 'Content-Type': 'multipart/form-data; boundary=x' },
      });
      upload.on('error', () => {});
      upload.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\na@b.co\n');
      return upload;
    });
    await eventually(() => expect(demo.uploads()).toHaveLength(10));
    const eleventh = await demo.post('/imports', form('email\na@b.co\n'), { cookie });
    expect(await problemOf(eleventh)).toMatchObject({ status: 429, code: 'too_many_uploads' });
    for (const upload of uploads) upload.destroy();
    await eventually(async () =>
      expect((await demo.post('/imports', form('email\na@b.co\n'), { cookie })).status).toBe(202),
    );
  });

  it('is refused without a session before a byte is stored', async () => {
    expect((await problemOf(await demo.post('/imports', form('email\na@b.co\n')))).status).toBe(401);
  });

  it('is refused while it arrives, so that an endless body gets an answer', async () => {
    const cookie = await demo.signIn('bad-uploads');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const upload = request(`${demo.url}/imports`, {
        method: 'POST',
        headers: { cookie, 'Content-Type': 'multipart/form-data; boundary=x' },
      });
      let isAnswered = false;
      upload.on('response', (response) => {
        isAnswered = true;
        resolve(response.statusCode);
        response.resume();
        upload.destroy();
      });
      upload.on('error', reject);
      upload.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\n');
      const send = () => {
        if (!isAnswered) upload.write('a@example.com\n'.repeat(1_000), () => setImmediate(send));
      };
      send();
    });
    expect(status).toBe(413);
    await demo.expectNoUploads();
  });

  it('leaves no file behind when the browser disconnects in the middle', async () => {
    const cookie = await demo.signIn('bad-uploads');
    const upload = request(`${demo.url}/imports`, {
      method: 'POST',
      headers: { cookie, 'Content-Type': 'multipart/form-data; boundary=x' },
    });
    upload.on('error', () => {});
    upload.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\na@example.com\n');
    await eventually(() => expect(demo.uploads()).toHaveLength(1));
    upload.destroy();
    await demo.expectNoUploads();
    expect(await demo.tasksOf(cookie)).toEqual([]);
  });
});
