/**
 * What a UI shows of a result. A handler decides by the names in its result what the owner sees:
 * - a number is shown with its name: `{ imported: 839, skipped: 3 }` is "839 imported, 3 skipped"
 * - `url`, or a name that ends in `Url`, is a link: `{ downloadUrl: '/reports/7' }`
 */

import { isObject } from '../../parse.ts';
import { MAX_FACTS } from '../limits.ts';
import type { Wording } from './wording.ts';
import { formatNumber } from './wording.ts';

/** A link in the result of a task: its text and its address. */
export interface ResultLink {
  readonly label: string;
  readonly href: string;
}

/** The numbers of `result` in words. Zeros are left out, unless all numbers are zero. */
export function factsOf(result: unknown, { locale }: Pick<Wording, 'locale'>): string[] {
  const numbers = entriesOf(result).filter((entry): entry is [string, number] => Number.isFinite(entry[1]));
  const nonZero = numbers.filter(([, count]) => count !== 0);
  return (nonZero.length > 0 ? nonZero : numbers)
    .slice(0, MAX_FACTS)
    .map(([name, count]) => `${formatNumber(count, locale)} ${toWords(name)}`);
}

/** The links of `result`: to this site, or anywhere by https. Others are left out. `base` is the page's address. */
export function linksOf(result: unknown, { links }: Pick<Wording, 'links'>, base: string): ResultLink[] {
  return entriesOf(result).flatMap(([name, value]) => {
    if (!/^url$|Url$/.test(name) || typeof value !== 'string' || !isSafe(value, base)) return [];
    const own = Object.hasOwn(links, name) ? links[name] : undefined;
    const label = own ?? capitalize(toWords(name.replace(/Url$/, '')));
    return { label, href: value };
  });
}

function entriesOf(result: unknown): [string, unknown][] {
  return isObject(result) ? Object.entries(result) : [];
}

function isSafe(href: string, base: string): boolean {
  try {
    const { protocol, origin } = new URL(href, base);
    return protocol === 'https:' || (protocol === 'http:' && origin === new URL(base).origin);
  } catch {
    return false;
  }
}

/** `rowsLeftOut` as "rows left out"; also for the names of stages. */
export function toWords(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/[-_]+/g, ' ')
    .toLowerCase();
}

/** `text` with a capital letter at its start. */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
