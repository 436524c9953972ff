/**
 * A table whose rows change while it is shown. Cells that say the same as before are left alone; nothing moves while somebody
 * points at a row, has the focus in one, or answers a dialog (`held-rows.ts`).
 */

import { make, setAttribute, setChildren, setHidden } from '../../../client/element/dom/dom.ts';
import { type Content, text } from './elements.ts';
import { holdRows, type ShownRow } from './held-rows.ts';

export interface Column<Row> {
  /** The heading. Where there is little room it stands before what the cell says. */
  readonly label: string;
  /** What the heading shows, if that is not its label. */
  readonly heading?: Node;
  readonly className?: string;
  /** The cell names its row. */
  readonly isRowHeader?: boolean;
  /** What the cell depends on: it is drawn again when the JSON of this is another one. */
  readonly key: (row: Row) => unknown;
  readonly draw: (row: Row) => Content;
  /** Called each time, also for a cell that is not drawn again. */
  readonly sync?: (cell: HTMLElement, row: Row) => void;
}

export interface TableOptions<Row> {
  /** Said by screen readers, and not shown. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  /** Stands in the place of the table while that has no rows. */
  readonly empty: HTMLElement;
  /** How many rows wait until nobody points at the table any more. */
  readonly onWaiting?: (count: number) => void;
}

export interface Table<Row> {
  readonly element: HTMLElement;
  /** The rows that are shown. */
  readonly rows: readonly Row[];
  show(latest: readonly Row[]): void;
  /** Draws the rows again, for what depends on more than the row. */
  redraw(): void;
  /** Shows the latest rows now, even if that moves some. */
  release(): void;
}

const FOCUSABLE = 'a[href], button, input';

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

  const focused = () =>
    body.contains(document.activeElement) ? (document.activeElement?.closest('tr') ?? null) : null;
  const inUse = () => (pointed?.isConnected ? pointed : focused());
  const isHeld = () => inUse() !== null || document.querySelector('dialog[open]') !== null;

  function update(hold = isHeld()): void {
    const anchor = inUse();
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change(hold);
    // A row above it may have become higher.
    if (anchor?.isConnected) scrollBy(0, anchor.getBoundingClientRect().top - before);
  }

  function change(hold: boolean): void {
    const next = holdRows(shown, latest, keyOf, hold);
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
  // The focus is nowhere while it moves, so look when it has arrived.
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

/** Replaces the content of a cell. If the focus was in it, the same place in it gets it, or else the row's first link. */
function fill(cell: HTMLElement, content: Content, row: HTMLElement): void {
  const inside = [...cell.querySelectorAll<HTMLElement>(FOCUSABLE)];
  const at = inside.indexOf(document.activeElement as HTMLElement);
  cell.replaceChildren(...content);
  setAttribute(cell, 'data-empty', content.length === 0 ? '' : null);
  if (at < 0) return;
  const next = cell.querySelectorAll<HTMLElement>(FOCUSABLE)[at] ?? row.querySelector<HTMLElement>('a[href]');
  next?.focus();
}
