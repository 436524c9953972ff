// Hostile text that is stored and shown: markup, formulas, links, characters that reverse the text beside them.
import type { Browser } from 'playwright-core';
import { factsOf, linksOf } from '../../../client/headless/words/result.ts';
import { launchChromium } from '../../support/browser/chromium.ts';
import { fileForm, jsonBody } from '../http.ts';
import type { Kind, Tally } from '../kind.ts';
import type { World } from '../world.ts';

const MARKUP = [
  '<img src=x onerror="window.through=1">',
  '<script>window.through=1</script>',
  '"><svg onload=window.through=1>',
  "'-window.through=1-'",
  '</title><script>window.through=1</script>',
  '{{window.through=1}}',
  '&lt;img src=x onerror=window.through=1&gt;',
  'javascript:window.through=1',
];
const FORMULAS = [
  '=1+1',
  '+1+1',
  '-1+1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '＝1+1',
  '=cmd|"/c calc"!A1',
  '=HYPERLINK("http://evil.example")',
  "'=1+1",
  ' =1',
  '"=1',
  'line\n=1+1',
  'line\r=1+1',
  'line\r\n=1+1',
  'name;=1+1',
  'name;"=1+1";',
  'name\t=1+1',
  'line\n=1+1;x',
];
const LINKS = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  'java\nscript:alert(1)',
  '\u0001javascript:alert(1)',
  'data:text/html,<script>1</script>',
  'vbscript:x',
  'blob:http://evil.example/1',
  'http://evil.example/',
  '//evil.example:80/',
  'file:///etc/passwd',
  'ftp://evil.example/',
  'http:evil.example',
  'javascript&colon;alert(1)',
  'about:blank',
  'filesystem:x',
];
const BIDI = ['\u202e', '\u202d', '\u2066', '\u2067', '\u202a', '\u061c', '\u200f'];

export const texts: Kind = {
  name: 'stored markup, formulas and links',
  why: "script in another user's page, or in a spreadsheet of theirs",
  success:
    'script that runs, an element made from text, a cell that is a formula, a link that is neither https nor to a page of ours',
  async run(world, tally) {
    const { app } = world;
    for (const title of [
      ...MARKUP,
      ...FORMULAS,
      ...BIDI.map((mark) => `safe${mark}gpj.exe`),
      'x'.repeat(60_000),
      '\ud800',
      'a\u0000b\nc',
    ]) {
      const { status, headers, body } = await app.call('olga', '/tasks', jsonBody({ name: 'wait', input: { title } }));
      const isText = /^application\/(problem\+)?json/.test(headers['content-type'] ?? '');
      tally.attempt(`${JSON.stringify(title.slice(0, 40))} is answered as ${headers['content-type']}`, !isText);
      const shown = status === 202 ? (JSON.parse(body) as { title: string }).title : '';
      tally.attempt(
        `a title of ${shown.length} characters`,
        shown.length > 200 || Buffer.from(shown).toString() !== shown,
      );
    }
    for (const path of MARKUP.map((text) => `/tasks/${encodeURIComponent(text)}`)) {
      const { headers } = await app.call('olga', path);
      tally.attempt(`${path} is answered as ${headers['content-type']}`, !/json/.test(headers['content-type'] ?? ''));
    }
    for (const href of LINKS) {
      for (const result of [
        { url: href },
        { downloadUrl: href },
        { url: ['https://ok.example', href] },
        Object.create({ url: href }),
      ]) {
        const links = linksOf(result, { links: {} } as Parameters<typeof linksOf>[1], 'https://app.example/');
        const isOut = links.some(({ href: made }) => !/^https:/.test(new URL(made, 'https://app.example/').href));
        tally.attempt(`a link to ${JSON.stringify(href)}`, isOut);
      }
    }
    const facts = factsOf({ '<img src=x>': 5, __proto__: 5 }, { locale: 'en' } as Parameters<typeof factsOf>[1]);
    // A tray shows at most 4 numbers of a result.
    tally.attempt(`facts ${JSON.stringify(facts)}`, facts.length > 4);
    await tryFormulas(world, tally);
    await tryPage(world, tally);
  },
};

/** Formulas in exported contacts and in rejected rows: both files are opened in spreadsheets. */
async function tryFormulas({ demo }: World, tally: Tally): Promise<void> {
  const cookie = await demo.signIn('olga');
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const rows = FORMULAS.map((text, n) => `f${n}@example.org,${quoted(text)},${quoted(text)},${quoted(text)}`);
  const bad = FORMULAS.map((text) => `${quoted(text)},x`);
  const csv = [
    'email,name,company,phone',
    ...rows,
    ...bad,
    '=evil@example.org,x',
    '+evil@example.org,x',
    '-evil@example.org,x',
  ].join('\n');
  const upload = await demo.call(cookie, '/imports', fileForm('=cmd.csv', csv));
  const imported = (JSON.parse(upload.body) as { id: string }).id;
  await demo.call(cookie, `/tasks/${imported}`, { headers: { prefer: 'wait=10' }, limit: 15_000 });
  const report = await demo.call(cookie, '/reports', { method: 'POST' });
  const exported = (JSON.parse(report.body) as { id: string }).id;
  let isDone = false;
  for (let n = 0; n < 5 && !isDone; n++) {
    const { body } = await demo.call(cookie, `/tasks/${exported}`, { headers: { prefer: 'wait=5' } });
    isDone = body.includes('"succeeded"');
  }
  for (const path of [`/imports/${imported}/rejects`, `/reports/${exported}/file`]) {
    const { status, headers, body } = await demo.call(cookie, path);
    tally.attempt(`${path}: ${status}`, status !== 200);
    tally.attempt(`${path} is shown instead of saved`, !/^attachment/.test(headers['content-disposition'] ?? ''));
    tally.attempt(`${path} is sniffed`, headers['x-content-type-options'] !== 'nosniff');
    // Programs split a CSV in different ways: at commas, or at semicolons where the decimal separator is a comma.
    const cells = body.split(/[\t\n\r",;|]+/).map((cell) => cell.trimStart());
    for (const cell of cells) {
      tally.attempt(`a cell ${JSON.stringify(cell)} of ${path}`, /^[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/.test(cell));
    }
  }
}

/** The demo's page: file names become titles, and a user can have any name. */
async function tryPage({ demo }: World, tally: Tally): Promise<void> {
  const user = MARKUP[0] as string;
  const cookie = await demo.signIn(user);
  // A file name can hold no slash, so another character that looks like one takes its place.
  const names = [...MARKUP, ...BIDI.map((mark) => `safe${mark}gpj.exe`)].map((name) =>
    name.replaceAll('"', '%22').replaceAll('/', '∕'),
  );
  for (const name of names)
    await demo.call(
      cookie,
      '/imports',
      fileForm(name, 'email,name\nx@example.org,"<img src=x onerror=window.through=1>"\n'),
    );
  const browser: Browser = await launchChromium();
  try {
    const context = await browser.newContext();
    const [name = '', value = ''] = cookie.split(/=(.*)/s);
    await context.addCookies([{ name, value, url: demo.url }]);
    const page = await context.newPage();
    let dialogs = 0;
    page.on('dialog', (dialog) => {
      dialogs += 1;
      void dialog.dismiss();
    });
    await page.goto(demo.url);
    const tray = page.locator('inloop-tray');
    await tray.locator('[part=button]').click({ timeout: 10_000 });
    await tray.getByText('gpj.exe').first().waitFor({ timeout: 10_000 });
    // If text became markup, there would be an img, a script, or an svg with a handler.
    const found = await page.evaluate(() => {
      const roots = [document, document.querySelector('inloop-tray')?.shadowRoot].filter((root) => root != null);
      const made = roots.flatMap((root) => [...root.querySelectorAll('img[src=x], [onerror], [onload], svg[onload]')]);
      const links = roots.flatMap((root) => [...root.querySelectorAll('a')]).map(({ protocol }) => protocol);
      return { made: made.length, ran: 'through' in window, links };
    });
    for (const text of names) tally.attempt(`script ran, with ${text} among the titles`, found.ran || dialogs > 0);
    tally.attempt(`elements made of text: ${found.made}`, found.made > 0);
    for (const protocol of found.links) tally.attempt(`a link by ${protocol}`, !/^https?:$/.test(protocol));
  } finally {
    await browser.close();
  }
}
