import fs, { createWriteStream, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '../../test/support/eventually.ts';
import { createCsvWriter } from '../csv/write-csv.ts';
import { removeUnfinished } from './remove-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inloop-remove-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('removing a file that is not open yet leaves nothing behind', async () => {
  /** Opens after 50 ms, like a slow disk. */
  const slow = (...args: Parameters<typeof fs.open>) => void setTimeout(() => fs.open(...args), 50);
  const stream = createWriteStream(join(folder, 'a.part'), { fs: { ...fs, open: slow as typeof fs.open } });
  await removeUnfinished(stream);
  await eventually(() => stream.closed);
  expect(readdirSync(folder)).toEqual([]);
});

it('removing a file that is half written, or whose stream has failed, leaves nothing behind', async () => {
  const stream = createWriteStream(join(folder, 'a'));
  await new Promise((resolve) => stream.write('x', resolve));
  await removeUnfinished(stream);
  const broken = createWriteStream(join(folder, 'b'));
  broken.on('error', () => {});
  broken.destroy(new Error('the disk is full'));
  await removeUnfinished(broken);
  expect(readdirSync(folder)).toEqual([]);
});

it('discarding CSV files that are not written yet leaves nothing behind', async () => {
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => createCsvWriter(join(folder, `${n}.csv`), ['email']).discard()),
  );
  expect(readdirSync(folder)).toEqual([]);
});
