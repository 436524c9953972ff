// A file that cannot be imported: the page explains why in plain words, and no task is started.
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { useWorld } from './world.ts';

const world = useWorld({ MAX_UPLOAD_BYTES: '20480', IMPORT_ROW_DELAY_MS: '1' });

const HEADER = 'name,email\n';
const BAD: readonly [what: string, name: string, content: string | Buffer, said: RegExp][] = [
  [
    'one that is not a CSV',
    'photo.csv',
    Buffer.from('89504e470d0a1a0a0000000d49484452fffe00', 'hex'),
    /^The file is not a CSV file/,
  ],
  ['an empty one', 'empty.csv', '', /^The file is empty/],
  [
    'one without an e-mail column',
    'columns.csv',
    'name,phone\nAda,1\n',
    /^The file has no e-mail column: .* "name", "phone"\.$/,
  ],
  ['one with a header only', 'header.csv', HEADER, /^The file has a header but no rows/],
  ['one in UTF-16', 'wide.csv', Buffer.from(`\ufeff${HEADER}Ada,ada@example.com\n`, 'utf16le'), /UTF-16.*"CSV UTF-8"/],
  ['one a little too large', 'large.csv', HEADER.padEnd(20_481, 'x'), /^The file is larger than 20 KB/],
  // Refused before it has arrived completely.
  ['one far too large', 'huge.csv', HEADER.padEnd(20_000_000, 'x'), /^The file is larger than 20 KB/],
];

describe('a file', () => {
  it('that cannot be imported is refused in plain words, and the next one works', async () => {
    world.faults.expect(/the server responded with a status of 4(13|15|22) /);
    const device = await world.signIn('ada');
    const tab = await device.openTab();
    for (const [what, name, content, said] of BAD) {
      await tab.drop(world.writeFile(name, content));
      await eventually(
        async () => {
          expect(await tab.problem.isVisible()).toBe(true);
          expect(await tab.problem.textContent()).toMatch(said);
        },
        { that: `the reason why the page refuses ${what}` },
      );
      expect(await tab.page.locator('#import-status').textContent()).toBe('');
      expect(await device.tasks()).toEqual([]);
    }
    await tab.openTray();
    expect(await tab.tray.locator('[part=empty]').isVisible()).toBe(true);

    await tab.choose(world.writeCsv('good.csv', { rows: 5 }));
    await tab.problem.waitFor({ state: 'hidden' });
    await tab.openTray();
    await eventually(async () => expect(await tab.row('Import good.csv').text()).toMatch('Done · 5 imported'));
  }, 30_000);

  it('with a fault in the middle fails with a reason, and the rows before the fault are kept', async () => {
    const tab = await (await world.signIn('bea')).openTab();
    await tab.drop(world.writeCsv('torn.csv', { rows: 60, kind: 'torn' }));
    await tab.openTray();
    await eventually(async () => {
      expect(await tab.row('Import torn.csv').text()).toMatch(/Failed .*row 40.* 39 were imported/i);
    });
    await eventually(async () => expect(await tab.total.textContent()).toBe('39'));
  }, 30_000);
});
