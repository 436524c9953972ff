/** Tells screen readers what has changed, through the polite live region of the page. What comes within a second is said together. */

/** How long news is collected, in milliseconds. */
const COLLECT_FOR = 1_000;
/** How many of the newest texts are said. */
const MOST = 3;

/** A function that says a text. @param region in the document from the start */
export function createAnnouncer(region: HTMLElement): (text: string) => void {
  let texts: string[] = [];
  let isWaiting = false;
  return (text) => {
    if (text && text !== texts.at(-1)) texts = [...texts, text].slice(-MOST);
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      region.textContent = texts.join(' ');
      texts = [];
      isWaiting = false;
    }, COLLECT_FOR);
  };
}
