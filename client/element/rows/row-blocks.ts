/**
 * Long lists, as blocks of rows. The browser does not lay out blocks out of view (`content-visibility`), and still finds
 * them in a search, reads them out and tabs to them. With each row as a box of its own it would do the same, but it checks
 * each such box in every frame, and for thousands of them that costs more than it saves (figures: `bench/tray.md`).
 */

import { isSame, make, setChildren } from '../dom/dom.ts';

/** Rows in a block, at most. */
const BLOCK_SIZE = 20;

export class RowBlocks {
  readonly #list: HTMLElement;
  readonly #onBlock: (block: Element) => void;
  #shown: readonly HTMLElement[] = [];

  /** @param onBlock called with each new block, to watch whether it is in view */
  constructor(list: HTMLElement, onBlock: (block: Element) => void) {
    this.#list = list;
    this.#onBlock = onBlock;
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
      else if (!block || (home !== block && (blocks.get(block)?.length ?? 0) >= BLOCK_SIZE)) block = this.#makeBlock();
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

  #makeBlock(): HTMLElement {
    const block = make('div', { class: 'block' });
    this.#onBlock(block);
    return block;
  }
}
