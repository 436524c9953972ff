/** Reads a contact from a row of a CSV, or says why the row is not a contact. */

import { unguardFormulas } from '../csv/formulas.ts';

/** A contact as it is stored. The e-mail address is in lower case; no two contacts of one owner have the same. */
export interface Contact {
  readonly email: string;
  readonly name: string;
  readonly company: string;
  readonly phone: string;
}

/** The index of each column in a row; -1 for a column that the file does not have. */
export type Columns = Readonly<Record<keyof Contact, number>>;

/** Longest values, in characters. An e-mail address in SMTP has at most 254. */
export const CONTACT_LIMITS: Readonly<Record<keyof Contact, number>> = {
  email: 254,
  name: 200,
  company: 200,
  phone: 50,
};

const HEADINGS: Readonly<Record<keyof Contact, readonly string[]>> = {
  email: ['email', 'e-mail', 'mail', 'email address', 'e-mail address'],
  name: ['name', 'full name'],
  company: ['company', 'organization', 'organisation'],
  phone: ['phone', 'telephone', 'phone number'],
};

const LABELS: Readonly<Record<keyof Contact, string>> = {
  email: 'e-mail address',
  name: 'name',
  company: 'company',
  phone: 'phone number',
};

/** Finds the columns in a header row, in any order and any case. Other columns are ignored. Null without an e-mail column. */
export function findColumns(header: readonly string[]): Columns | null {
  const headings = header.map((heading) => heading.trim().toLowerCase().replaceAll('_', ' '));
  const find = (key: keyof Contact) => headings.findIndex((heading) => HEADINGS[key].includes(heading));
  const columns = { email: find('email'), name: find('name'), company: find('company'), phone: find('phone') };
  return columns.email === -1 ? null : columns;
}

/** Reads the contact in a row, or says why the row is not one, for the person who has to correct it. */
export function readContact(
  fields: readonly string[],
  columns: Columns,
): { readonly contact: Contact } | { readonly reason: string } {
  const value = (key: keyof Contact) => unguardFormulas(fields[columns[key]] ?? '').trim();
  const contact = {
    email: value('email').toLowerCase(),
    name: value('name'),
    company: value('company'),
    phone: value('phone'),
  };
  if (contact.email === '') return { reason: 'The e-mail address is missing.' };
  for (const key of Object.keys(CONTACT_LIMITS) as (keyof Contact)[]) {
    const length = [...contact[key]].length;
    if (length > CONTACT_LIMITS[key]) {
      return { reason: `The ${LABELS[key]} is too long: ${length} characters, at most ${CONTACT_LIMITS[key]}.` };
    }
  }
  return isEmail(contact.email) ? { contact } : { reason: 'The e-mail address is not valid.' };
}

/** Whether mail could be sent there: one `@`, something before it (at most 64 characters), a domain with a dot. */
export function isEmail(text: string): boolean {
  return (
    /^[^\s@"(),:;<>[\\\]]{1,64}@[^\s@"(),:;<>[\\\].]+(\.[^\s@"(),:;<>[\\\].]+)+$/.test(text) &&
    !/^\.|\.\.|\.@/.test(text)
  );
}
