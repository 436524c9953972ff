/**
 * Groups the rows of a long list into blocks. The browser does not lay out a block that is out of view
 * (`content-visibility`), but search, screen readers and the Tab key still reach its rows. Single rows could be such boxes
 * too. But the browser checks each box in every frame, which costs more than it saves for thousands (`bench/tray.md`).
 */

import { isSameList } from '../../headless/same-list.ts';
import { make, setChildren } from '../dom/dom.ts';
import { BLOCK_SIZE, ROW_HEIGHT } from '../limits.ts';

export interface RowBlocks {
  /**
   * Shows `rows` and nothing else. A row stays in its block where possible; a new row joins the block of the row below.
   * Returns whether anything has moved.
   */
  show(rows: readonly HTMLElement[]): boolean;
}

/** @param onBlock called with each new block, to watch whether it is in view */
export function createRowBlocks(list: HTMLElement, onBlock: (block: Element) => void): RowBlocks {
  let shown: readonly HTMLElement[] = [];

  return {
    show(rows) {
      if (isSameList(rows, shown)) return false;
      shown = rows;
      const blocks = new Map<HTMLElement, HTMLElement[]>();
      let block: HTMLElement | undefined;
      let members: HTMLElement[] = [];
      // From the last row to the first: new tasks come at the top, and join the block below them.
      for (const row of [...rows].reverse()) {
        const home = row.parentElement;
        if (home?.parentElement === list && !blocks.has(home)) block = home;
        else if (!block || (home !== block && members.length >= BLOCK_SIZE)) {
          block = make('div', { class: 'block' });
          onBlock(block);
        }
        members = blocks.get(block) ?? [];
        members.push(row);
        blocks.set(block, members);
      }
      setChildren(list, [...blocks.keys()].reverse());
      for (const [element, rowsInside] of blocks) {
        element.style.containIntrinsicBlockSize = `auto ${rowsInside.length * ROW_HEIGHT}em`;
        setChildren(element, rowsInside.reverse());
      }
      return true;
    },
  };
}
