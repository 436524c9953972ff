import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { openTempData, type TempData } from '../testing/temp-folder.ts';
import { startSweeping } from './sweep.ts';

let data: TempData;
beforeEach(() => {
  data = openTempData();
});
afterEach(() => data.remove());

describe('sweeping', () => {
  it('removes a file that is eight days old, and keeps a new one', async () => {
    const old = data.folder.uploadPath('a');
    writeFileSync(old, '');
    writeFileSync(data.folder.uploadPath('b'), '');
    const eightDaysAgo = Date.now() / 1000 - 8 * 86_400;
    utimesSync(old, eightDaysAgo, eightDaysAgo);
    const stop = startSweeping(data.folder, data.db);
    await eventually(() => expect(readdirSync(data.folder.uploads)).toEqual(['b.csv']));
    stop();
  });
});
