/**
 * Long lists in blocks of rows. The browser skips blocks that are out of view (`content-visibility`) and yet finds them,
 * reads them out and tabs to them. Rows on their own would be skipped as well, but it keeps an eye on every box that it
 * may skip: thousands of them cost more than what they save.
 */

import { isSame, make, setChildren } from '../dom.ts';

/** Rows in a block, at most. */
const SIZE = 20;

export class BlockList {
  readonly #list: HTMLElement;
  readonly #watch: (block: Element) => void;
  #shown: readonly HTMLElement[] = [];

  /** @param watch called with each new block; it gets `data-far` while it is out of view */
  constructor(list: HTMLElement, watch: (block: Element) => void) {
    this.#list = list;
    this.#watch = watch;
  }

  /** Shows `rows` and nothing else. A row stays in its block where it can; new ones join the block below. Returns whether anything moved. */
  show(rows: readonly HTMLElement[]): boolean {
    if (isSame(rows, this.#shown)) return false;
    this.#shown = rows;
    const blocks = new Map<HTMLElement, HTMLElement[]>();
    let block: HTMLElement | undefined;
    for (const row of [...rows].reverse()) {
      const home = row.parentElement;
      if (home && home.parentElement === this.#list && !blocks.has(home)) block = home;
      else if (!block || (home !== block && (blocks.get(block)?.length ?? 0) >= SIZE)) block = this.#make();
      const members = blocks.get(block) ?? [];
      members.push(row);
      blocks.set(block, members);
    }
    setChildren(this.#list, [...blocks.keys()].reverse());
    for (const [element, members] of blocks) {
      element.style.containIntrinsicBlockSize = `auto ${members.length * 4}em`;
      setChildren(element, members.reverse());
    }
    return true;
  }

  #make(): HTMLElement {
    const block = make('div', { class: 'block' });
    this.#watch(block);
    return block;
  }
}
