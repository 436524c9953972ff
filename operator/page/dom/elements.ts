/**
 * Makes the elements of which the views consist: links, times, statuses, buttons. Each function is named after what it makes. Texts
 * of users are set as text, never as HTML, and keep their own direction.
 */

import { make } from '../../../client/element/dom/dom.ts';
import { makeIcon } from '../../../client/element/dom/icons.ts';
import type { Tone } from '../../../client/headless/words/describe.ts';
import { isolate } from '../../../client/headless/words/plain-text.ts';
import { agoWords, clockWords, fullWords } from '../words/times.ts';

/** What an element may be given as content. */
export type Content = readonly (Node | string)[];

/** A text that a user or an application has chosen: a title, an owner, an error. Its direction does not change that of the page. */
export function userText(text: string, className = ''): HTMLElement {
  const element = make('span', { class: `user-text ${className}`.trim(), dir: 'auto' });
  element.textContent = text;
  return element;
}

/** A link; `text` may be a text of a user. */
export function link(href: string, text: string | Node, className = ''): HTMLAnchorElement {
  const element = make('a', { href, ...(className && { class: className }) });
  element.append(text);
  return element;
}

/** How long ago, or in how long. `tickTimes` keeps it right. @param at ISO 8601 @param now the server's time, ms since 1970 */
export function ago(at: string, now: number): HTMLTimeElement {
  const element = make('time', { datetime: at, 'data-ago': '', title: fullWords(at), class: 'nowrap' });
  element.textContent = agoWords(at, now);
  return element;
}

/** The time on the clock, with the day if it is not today. @param at ISO 8601 @param now the server's time, ms since 1970 */
export function clock(at: string, now: number): HTMLTimeElement {
  const element = make('time', { datetime: at, title: fullWords(at), class: 'nowrap' });
  element.textContent = clockWords(at, now);
  return element;
}

/** Brings the times below `root` up to date. Call it once a second. */
export function tickTimes(root: Element, now: number): void {
  for (const element of root.querySelectorAll<HTMLTimeElement>('time[data-ago]')) {
    const words = agoWords(element.dateTime, now);
    // A text that is set to the same words may be read out again by assistive technology.
    if (element.textContent !== words) element.textContent = words;
  }
}

/** A state, as an icon, a colour and a word. */
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

/** A button in a row. Screen readers say its label and `about`, a text of a user: "Retry: Import a.csv". */
export function rowButton(label: string, about: string, onClick: () => void, className = 'small'): HTMLButtonElement {
  const element = button(label, onClick, className);
  element.setAttribute('aria-label', `${label}: ${isolate(about)}`);
  return element;
}

/** An element that holds a text. */
export function text<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  content: string,
  className = '',
): HTMLElementTagNameMap[K] {
  const element = make(tag, className ? { class: className } : {});
  element.textContent = content;
  return element;
}

/** An element that holds other elements and texts. */
export function box<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...content: Content
): HTMLElementTagNameMap[K] {
  const element = make(tag, className ? { class: className } : {});
  element.append(...content);
  return element;
}

/** A list of names, each with its value (`dl`). */
export function facts(className: string, entries: readonly (readonly [name: string, content: Content])[]): HTMLElement {
  return box('dl', className, ...entries.flatMap(([name, content]) => [text('dt', name), box('dd', '', ...content)]));
}
