// Replaces the measured sections of docs/capacity.md, each between two markers of its own. What stands outside the markers is written
// by hand and stays.

/** The markers of a section. */
const begin = (name: string) => `<!-- load:${name} -->`;
const end = (name: string) => `<!-- /load:${name} -->`;

/**
 * Puts a new text between the markers of the section `name`.
 * @returns the new page
 * @throws Error when the page does not have both markers once, in their order
 */
export function replaceSection(page: string, name: string, text: string): string {
  const [from, to] = [page.indexOf(begin(name)), page.indexOf(end(name))];
  const isWhole = from >= 0 && to > from && page.split(begin(name)).length === 2 && page.split(end(name)).length === 2;
  if (!isWhole) {
    throw new Error(
      `docs/capacity.md must have ${begin(name)} and, after it, ${end(name)}, once each. Put them where the section belongs.`,
    );
  }
  return `${page.slice(0, from + begin(name).length)}\n\n${text}\n\n${page.slice(to)}`;
}
