import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openTempData, type TempData } from '../testing/temp-folder.ts';
import { type ContactPage, openDatabase } from './database.ts';

let data: TempData;
beforeEach(() => {
  data = openTempData();
});
afterEach(() => data.remove());

const contact = (email: string, name = '') => ({ email, name, company: '', phone: '' });

describe('contacts', () => {
  it('replaces a contact of the same e-mail address, for this owner only', () => {
    data.db.saveContacts('ada', [contact('x@example.com', 'Old')]);
    data.db.saveContacts('bob', [contact('x@example.com', 'Bob’s')]);
    data.db.saveContacts('ada', [contact('x@example.com', 'New')]);
    expect(data.db.readContacts('ada', 10).contacts).toEqual([contact('x@example.com', 'New')]);
    expect(data.db.readContacts('bob', 10).contacts).toEqual([contact('x@example.com', 'Bob’s')]);
  });

  it('returns all contacts page by page, each once', () => {
    const all = Array.from({ length: 25 }, (_, i) => contact(`${String(i).padStart(2, '0')}@example.com`));
    data.db.saveContacts('ada', all.toReversed());
    const seen = [];
    for (let next: string | null = ''; next !== null; ) {
      const page: ContactPage = data.db.readContacts('ada', 10, next);
      expect(page.total).toBe(25);
      seen.push(...page.contacts);
      next = page.next;
    }
    expect(seen).toEqual(all);
  });

  it('are visible through another connection to the same file', () => {
    const other = openDatabase(data.folder.database);
    data.db.saveContacts('ada', [contact('x@example.com')]);
    expect(other.countContacts('ada')).toBe(1);
    other.saveContacts('ada', [contact('y@example.com')]);
    expect(data.db.countContacts('ada')).toBe(2);
    other.close();
  });

  it('saves all contacts of a call or none', () => {
    const broken = { ...contact('y@example.com'), name: null as unknown as string };
    expect(() => data.db.saveContacts('ada', [contact('x@example.com'), broken])).toThrow();
    expect(data.db.countContacts('ada')).toBe(0);
  });
});

describe('uploads and downloads', () => {
  it('keeps the first outcome of an upload', () => {
    expect(data.db.addUpload('u1')).toBe(true);
    expect(data.db.addUpload('u1')).toBe(false);
    expect(data.db.uploadOutcome('u1')).toBeNull();
    data.db.settleUpload('u1', { result: 1 });
    data.db.settleUpload('u1', { result: 2 });
    expect(data.db.uploadOutcome('u1')).toEqual({ result: 1 });
  });

  it('finds a download for its owner only', () => {
    data.db.addDownload('report', 't1', 'ada', 'contacts.csv');
    expect(data.db.findDownload('report', 't1', 'ada')).toBe('contacts.csv');
    expect(data.db.findDownload('report', 't1', 'bob')).toBeNull();
    expect(data.db.findDownload('rejects', 't1', 'ada')).toBeNull();
  });

  it('removes records from before a given time', () => {
    data.db.addUpload('u1');
    data.db.removeBefore(new Date(Date.now() - 60_000));
    expect(data.db.addUpload('u1')).toBe(false);
    data.db.removeBefore(new Date(Date.now() + 60_000));
    expect(data.db.addUpload('u1')).toBe(true);
  });
});
