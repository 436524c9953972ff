/** Tells screen readers what has changed, through the polite live region of the page. Texts of the same second are said together. */

/** For how long texts are collected before they are said. */
const COLLECT_MS = 1_000;
/** How many of the collected texts are said: the newest. */
const MOST_TEXTS = 3;

/** @param region an element with `aria-live` that is in the document from the start @returns a function that says a text */
export function createAnnouncer(region: HTMLElement): (text: string) => void {
  let texts: string[] = [];
  let isWaiting = false;
  return (text) => {
    if (text && text !== texts.at(-1)) texts = [...texts, text].slice(-MOST_TEXTS);
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      region.textContent = texts.join(' ');
      texts = [];
      isWaiting = false;
    }, COLLECT_MS);
  };
}
