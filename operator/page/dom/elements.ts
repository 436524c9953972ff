/** What the views are made of: links, times, statuses, buttons. Texts of users are set as text, and keep their own direction. */

import { make } from '../../../client/element/dom/dom.ts';
import { makeIcon } from '../../../client/element/dom/icons.ts';
import type { Tone } from '../../../client/headless/words/describe.ts';
import { isolate } from '../../../client/headless/words/plain-text.ts';
import { agoWords, clockWords, fullWords } from '../words/times.ts';

/** What an element may be given as content. */
export type Content = readonly (Node | string)[];

/** A text of a user: a title, an owner, an error. */
export function own(text: string, className = ''): HTMLElement {
  const element = make('span', { class: `own ${className}`.trim(), dir: 'auto' });
  element.textContent = text;
  return element;
}

/** A link; `text` may be a text of a user. */
export function link(href: string, text: string | Node, className = ''): HTMLAnchorElement {
  const element = make('a', { href, ...(className && { class: className }) });
  element.append(text);
  return element;
}

/** How long ago, or in how long. `tickTimes` keeps it right. @param now milliseconds */
export function ago(at: string, now: number): HTMLTimeElement {
  const element = make('time', { datetime: at, 'data-ago': '', title: fullWords(at), class: 'nowrap' });
  element.textContent = agoWords(at, now);
  return element;
}

/** The time on the clock, with the day if that is another one. */
export function clock(at: string, now: number): HTMLTimeElement {
  const element = make('time', { datetime: at, title: fullWords(at), class: 'nowrap' });
  element.textContent = clockWords(at, now);
  return element;
}

/** Brings the times below `root` up to date. Call it once a second. */
export function tickTimes(root: Element, now: number): void {
  for (const element of root.querySelectorAll<HTMLTimeElement>('time[data-ago]')) {
    const words = agoWords(element.dateTime, now);
    // Assistive technology may read a text again that is set again.
    if (element.textContent !== words) element.textContent = words;
  }
}

/** A state by icon, colour and word. */
export function toned(tone: Tone, word: string): HTMLElement {
  const icon = makeIcon(tone);
  icon.classList.add('icon');
  const text = make('span');
  text.textContent = word;
  return make('span', { class: 'tone', 'data-tone': tone }, icon, text);
}

/** A button that does something on this page. */
export function button(label: string, onClick: (button: HTMLButtonElement) => void, className = ''): HTMLButtonElement {
  const element = make('button', { type: 'button', ...(className && { class: className }) });
  element.textContent = label;
  element.addEventListener('click', () => onClick(element));
  return element;
}

/** A button in a row: its name says what it is about, too. @param of a text of a user */
export function rowButton(label: string, of: string, onClick: () => void, className = 'small'): HTMLButtonElement {
  const element = button(label, onClick, className);
  element.setAttribute('aria-label', `${label}: ${isolate(of)}`);
  return element;
}

/** A paragraph, or another element with a text. */
export function text<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  content: string,
  className = '',
): HTMLElementTagNameMap[K] {
  const element = make(tag, className ? { class: className } : {});
  element.textContent = content;
  return element;
}

/** An element with what it holds. */
export function box<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...content: Content
): HTMLElementTagNameMap[K] {
  const element = make(tag, className ? { class: className } : {});
  element.append(...content);
  return element;
}

/** A list of names and what they say (`dl`). */
export function facts(className: string, entries: readonly (readonly [name: string, content: Content])[]): HTMLElement {
  return box('dl', className, ...entries.flatMap(([name, content]) => [text('dt', name), box('dd', '', ...content)]));
}
