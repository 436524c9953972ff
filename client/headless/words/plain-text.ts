/**
 * Makes texts of users safe inside our sentences, where no element separates them: notifications, titles, `aria-label`s,
 * live regions. A name may be written from right to left, or hold characters that reverse the text after it.
 */

/** Line breaks and other control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be replaced
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;
/** Characters that set the direction of the text after them, up to an end mark that a hostile name leaves out. */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;
const RIGHT_TO_LEFT = /[\u200f\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const RIGHT_TO_LEFT_LOCALE = /^(?:ar|dv|fa|he|ks|ps|sd|ug|ur|yi)\b/i;
const FIRST_STRONG_ISOLATE = '\u2068';
const POP_ISOLATE = '\u2069';

/**
 * `text` on one line, isolated so that its direction does not change the text around it.
 * @param locale the language of the sentence that `text` becomes part of
 */
export function isolate(text: string, locale = 'en'): string {
  return RIGHT_TO_LEFT.test(text) || RIGHT_TO_LEFT_LOCALE.test(locale) ? setApart(text) : toPlain(text);
}

/** Like {@link isolate}, but isolates every text: for places where the language of the sentence is not known. */
export function setApart(text: string): string {
  return `${FIRST_STRONG_ISOLATE}${toPlain(text)}${POP_ISOLATE}`;
}

function toPlain(text: string): string {
  return text.replace(CONTROLS, ' ').replace(DIRECTIONS, '');
}

/** Whether `text` may make the text beside it run from right to left. */
export function mayChangeDirection(text: string): boolean {
  return RIGHT_TO_LEFT.test(text) || text.search(DIRECTIONS) >= 0;
}
