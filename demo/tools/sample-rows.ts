/** Generates contacts for sample files, measurements and tests. The same seed gives the same contacts. */

import { stringify } from 'csv-stringify/sync';

/**
 * - `good`: every row is a contact
 * - `broken`: every fifth row has one of five faults, and is skipped by an import
 * - `torn`: at two thirds of the rows (row 40 of 60) a quotation mark is opened and never closed, so an import fails there
 */
export type SampleKind = 'good' | 'broken' | 'torn';

export interface SampleOptions {
  readonly rows: number;
  readonly kind?: SampleKind;
  /** Any whole number. Another seed gives other contacts. */
  readonly seed?: number;
}

const FIRST = ['Ada', 'Björn', 'Chiara', 'Dmitri', 'Élodie', 'Farid', 'Grace', 'Hiroshi', 'Ingrid', 'João', 'Khadija'];
const LAST = ['Almeida', 'Baker', "D'Angelo", 'Ericsson', 'Fußmann', 'García', 'Hopper', 'Ishikawa', 'Jensen', 'Kováč'];
const COMPANY = [
  'Northwind',
  'Lindgren, Olsen & Co',
  'The "Blue" Door',
  'Café Zürich',
  'Acme',
  'Ελαία ΑΕ',
  'Øresund AS',
];

/** Generates the file piece by piece, so that memory does not grow with `rows`. */
export function* sampleCsv({ rows, kind = 'good', seed = 1 }: SampleOptions): Generator<string, void, undefined> {
  const random = mulberry32(seed);
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] as string;
  const tornRow = Math.ceil((rows * 2) / 3);
  yield 'name,email,company,phone\n';
  for (let row = 1; row <= rows; row++) {
    const first = pick(FIRST);
    const last = pick(LAST);
    const phone = `+${10 + Math.floor(random() * 80)} ${100 + Math.floor(random() * 900)} ${1000 + Math.floor(random() * 9000)}`;
    const fields = [`${first} ${last}`, `${ascii(first)}.${ascii(last)}.${row}@example.com`, pick(COMPANY), phone];
    if (kind === 'torn' && row === tornRow) {
      yield `"${fields.join(',')}\n`;
      continue;
    }
    yield stringify([kind === 'broken' && row % 5 === 0 ? breakRow(fields, row / 5) : fields]);
  }
}

/**
 * Puts one fault into a row, by `nth` in rotation: no address, no at-sign, no domain, a name that is too long, an address that
 * is not valid beside a name that is a formula.
 */
function breakRow([name = '', email = '', company = '', phone = '']: readonly string[], nth: number): string[] {
  switch (nth % 5) {
    case 0:
      return [name, '', company, phone];
    case 1:
      return [name, email.replace('@', ' at '), company, phone];
    case 2:
      return [name, email.replace('@example.com', '@'), company, phone];
    case 3:
      return [name.repeat(30), email, company, phone];
    default:
      return [`=HYPERLINK("https://example.com","${name}")`, 'unknown', company, phone];
  }
}

function ascii(name: string): string {
  const plain = name.replaceAll('ß', 'ss').normalize('NFD');
  return plain.replace(/[^A-Za-z]/g, '').toLowerCase();
}

/** A generator of pseudo-random numbers from 0 to below 1 (Tommy Ettinger's Mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
