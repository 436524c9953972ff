/**
 * A table whose rows change while it is shown. A cell that says the same as before is not drawn again. Nothing moves while somebody
 * points at a row, has the focus in one, or has a dialog open (`held-rows.ts`).
 */

import { make, setAttribute, setChildren, setHidden } from '../../../client/element/dom/dom.ts';
import { type Content, text } from './elements.ts';
import { holdRows, type ShownRow } from './held-rows.ts';

/** A column of a table. */
export interface Column<Row> {
  /** The heading. In a narrow window there are no headings; the label then stands in each cell, before its content. */
  readonly label: string;
  /** Shown in the heading instead of the label. */
  readonly heading?: Node;
  readonly className?: string;
  /** Whether this is the cell that names its row. */
  readonly isRowHeader?: boolean;
  /** What the cell shows, as a JSON value. The cell is drawn again only when this changes. */
  readonly key: (row: Row) => unknown;
  readonly draw: (row: Row) => Content;
  /** Called at each update, also if the cell is not drawn again. */
  readonly sync?: (cell: HTMLElement, row: Row) => void;
}

export interface TableOptions<Row> {
  /** Said by screen readers, and not shown. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  /** What identifies a row from one list to the next. */
  readonly keyOf: (row: Row) => string;
  /** Shown instead of the table while that has no rows. */
  readonly empty: HTMLElement;
  /** Called at each update with the number of new rows that wait until the rows are not held any more. */
  readonly onWaiting?: (count: number) => void;
}

/** A table that is shown. */
export interface Table<Row> {
  readonly element: HTMLElement;
  /** The rows that are shown, without those that have left the list. */
  readonly rows: readonly Row[];
  /** Shows another list. While the rows are held, new ones wait and none moves. */
  show(latest: readonly Row[]): void;
  /** Updates the cells. Call it when something has changed that `sync` reads, such as a selection. */
  redraw(): void;
  /** Shows the latest list now, even if rows move. */
  release(): void;
}

const FOCUSABLE = 'a[href], button, input';

/** Creates a table without rows. */
export function createTable<Row>({ caption, columns, keyOf, empty, onWaiting }: TableOptions<Row>): Table<Row> {
  const body = make('tbody', { role: 'rowgroup' });
  const head = make('tr', { role: 'row' }, ...columns.map(makeHeading));
  const element = make(
    'div',
    { class: 'frame', hidden: '' },
    make('table', { role: 'table', 'aria-label': caption }, make('thead', { role: 'rowgroup' }, head), body),
  );
  const elements = new Map<
    string,
    { readonly row: HTMLElement; readonly cells: HTMLElement[]; readonly keys: string[] }
  >();
  let shown: readonly ShownRow<Row>[] = [];
  let latest: readonly Row[] = [];
  /** The row under the pointer. */
  let pointed: Element | null = null;

  const findFocused = () =>
    body.contains(document.activeElement) ? (document.activeElement?.closest('tr') ?? null) : null;
  const findRowInUse = () => (pointed?.isConnected ? pointed : findFocused());
  const areRowsHeld = () => findRowInUse() !== null || document.querySelector('dialog[open]') !== null;

  /** Draws the rows, and scrolls so that the row in use stays where it is: a row above it may have become higher. */
  function update(isHeld = areRowsHeld()): void {
    const anchor = findRowInUse();
    const before = anchor?.getBoundingClientRect().top ?? 0;
    drawRows(isHeld);
    if (anchor?.isConnected) scrollBy(0, anchor.getBoundingClientRect().top - before);
  }

  function drawRows(isHeld: boolean): void {
    const next = holdRows(shown, latest, keyOf, isHeld);
    shown = next.shown;
    for (const key of elements.keys()) if (!shown.some((row) => row.key === key)) elements.delete(key);
    setChildren(body, shown.map(drawRow));
    setHidden(element, shown.length === 0);
    setHidden(empty, shown.length > 0);
    onWaiting?.(next.waiting);
  }

  function drawRow({ key, row, isGone }: ShownRow<Row>): HTMLElement {
    const known = elements.get(key) ?? makeRow();
    elements.set(key, known);
    setAttribute(known.row, 'data-gone', isGone ? '' : null);
    for (const [index, column] of columns.entries()) {
      const cell = known.cells[index] as HTMLElement;
      const value = JSON.stringify(column.key(row)) ?? '';
      if (known.keys[index] !== value) {
        known.keys[index] = value;
        fill(cell, column.draw(row), known.row);
      }
      column.sync?.(cell, row);
    }
    return known.row;
  }

  function makeRow() {
    const cells = columns.map((column) => makeCell(column));
    return { row: make('tr', { role: 'row' }, ...cells), cells, keys: [] as string[] };
  }

  element.addEventListener('pointerover', ({ pointerType, target }) => {
    if (pointerType !== 'mouse') return;
    const row = (target as Element).closest('tr');
    pointed = body.contains(row) ? row : null;
  });
  element.addEventListener('pointerleave', () => {
    pointed = null;
    update();
  });
  // During `focusout` no element has the focus yet. After it, the next one has.
  body.addEventListener('focusout', () => setTimeout(update));

  return {
    element,
    get rows() {
      return shown.filter(({ isGone }) => !isGone).map(({ row }) => row);
    },
    show(rows) {
      latest = rows;
      update();
    },
    redraw: () => update(),
    release: () => update(false),
  };
}

function makeHeading<Row>({ label, heading, className = '' }: Column<Row>): HTMLElement {
  const cell = make('th', { scope: 'col', role: 'columnheader', class: className });
  // Buttons need no heading that can be seen. Screen readers say it.
  cell.append(heading ?? text('span', label, className === 'act' ? 'sr' : ''));
  return cell;
}

function makeCell<Row>({ label, className = '', isRowHeader = false, heading }: Column<Row>): HTMLElement {
  const hasLabel = !isRowHeader && !heading && className !== 'act';
  const attributes = { class: className, ...(hasLabel && { 'data-label': label }) };
  return isRowHeader
    ? make('th', { ...attributes, scope: 'row', role: 'rowheader' })
    : make('td', { ...attributes, role: 'cell' });
}

/**
 * Replaces the content of a cell. If, for example, the second button in it had the focus, the second one of the new content gets it.
 * If there is none, the first link of the row does.
 */
function fill(cell: HTMLElement, content: Content, row: HTMLElement): void {
  const focusable = [...cell.querySelectorAll<HTMLElement>(FOCUSABLE)];
  const at = focusable.indexOf(document.activeElement as HTMLElement);
  cell.replaceChildren(...content);
  setAttribute(cell, 'data-empty', content.length === 0 ? '' : null);
  if (at < 0) return;
  const next = cell.querySelectorAll<HTMLElement>(FOCUSABLE)[at] ?? row.querySelector<HTMLElement>('a[href]');
  next?.focus();
}
