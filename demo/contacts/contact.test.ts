import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '../../test/support/cpu-time.ts';
import { findColumns, isEmail, readContact } from './contact.ts';

const columns = { email: 0, name: 1, company: 2, phone: 3 };

describe('finding the columns', () => {
  it('finds them in any order and any case, and ignores other columns', () => {
    expect(findColumns([' Phone ', 'Notes', 'E-MAIL', 'Full Name'])).toEqual({
      phone: 0,
      email: 2,
      name: 3,
      company: -1,
    });
  });

  it.each(['email', 'E-Mail', 'mail', 'Email_Address'])('takes %j for the e-mail column', (heading) => {
    expect(findColumns(['name', heading])?.email).toBe(1);
  });

  it('finds none where there is no e-mail column', () => {
    expect(findColumns(['name', 'phone', 'mailing list'])).toBeNull();
  });
});

describe('reading a contact', () => {
  it('trims values and lowers the e-mail address', () => {
    expect(readContact([' Ada@Example.COM ', ' Ada ', 'ACME'], columns)).toEqual({
      contact: { email: 'ada@example.com', name: 'Ada', company: 'ACME', phone: '' },
    });
  });

  it.each([
    ['', 'missing'],
    ['nobody', 'not valid'],
    [`${'x'.repeat(250)}@example.com`, 'too long: 262 characters, at most 254'],
  ])('says why %j is no e-mail address', (email, reason) => {
    expect(readContact([email], columns)).toEqual({ reason: expect.stringContaining(reason) });
  });

  it('counts an emoji as one character', () => {
    expect(readContact(['a@b.co', '😀'.repeat(200)], columns)).toHaveProperty('contact');
    expect(readContact(['a@b.co', '😀'.repeat(201)], columns)).toHaveProperty('reason');
  });

  it('removes the apostrophe that an export puts before a formula', () => {
    expect(readContact(['a@b.co', "'=1+1", '', "'+49 30 1"], columns)).toEqual({
      contact: { email: 'a@b.co', name: '=1+1', company: '', phone: '+49 30 1' },
    });
    expect(readContact(['a@b.co', "'t Hooft"], columns)).toMatchObject({ contact: { name: "'t Hooft" } });
  });
});

describe('e-mail addresses', () => {
  it.each(['a@b.co', 'a.b+c@sub.example.org', 'jürgen@müller.example', "o'neil@example.com"])('takes %s', (email) => {
    expect(isEmail(email)).toBe(true);
  });

  it.each([
    'a',
    'a@',
    '@b.co',
    'a@b',
    'a@b.',
    'a@.co',
    'a b@c.de',
    'a@b@c.de',
    'a..b@c.de',
    '.a@b.co',
    'a.@b.co',
    '<a@b.co>',
    'a@b..co',
  ])('refuses %s', (email) => {
    expect(isEmail(email)).toBe(false);
  });

  it('answers at once, however hostile the text', () => {
    const spent = cpuMsOf(() => {
      isEmail(`a@${'a.'.repeat(100_000)}@`);
      isEmail('a'.repeat(200_000));
    });
    expect(spent).toBeLessThan(200);
  });
});
