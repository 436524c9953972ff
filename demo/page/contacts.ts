/** The contacts card: the table, kept up to date while imports run. */

import { TaskError } from 'inloop';
import { type Contact, readContacts, startExport } from './api.ts';
import { find, runFrom, showProblem } from './elements.ts';

/** How long to wait before reading again when the server was away, in milliseconds. */
const RETRY_MS = 2_000;

export interface ContactsCard {
  /** Reads the first page again. If it is called during a read, one more read follows. */
  refresh(): void;
}

/** Connects the card's elements to their actions. */
export function setUpContacts(): ContactsCard {
  const body = find('contacts', HTMLTableSectionElement);
  const more = find('more', HTMLButtonElement);
  const exportButton = find('export', HTMLButtonElement);
  let cursor: string | null = null;
  let isReading = false;
  let isStale = false;

  const show = (total: number) => {
    find('total', HTMLSpanElement).textContent = total.toLocaleString();
    find('empty', HTMLParagraphElement).hidden = total > 0;
    find('table', HTMLDivElement).hidden = total === 0;
    exportButton.hidden = total === 0;
    more.hidden = cursor === null;
  };
  const readPage = async (after: string | null) => {
    const page = await readContacts(after);
    cursor = page.nextCursor;
    const rows = page.contacts.map(createRow);
    if (after === null) body.replaceChildren(...rows);
    else body.append(...rows);
    show(page.total);
  };

  more.addEventListener('click', () => runFrom(more, () => readPage(cursor)));
  exportButton.addEventListener('click', () => runFrom(exportButton, startExport));

  return {
    async refresh() {
      isStale = true;
      if (isReading) return;
      isReading = true;
      while (isStale) {
        isStale = false;
        try {
          await readPage(null);
        } catch (error) {
          if (!isTemporary(error)) {
            showProblem(error);
            continue;
          }
          // The user did not ask for this read, so show no error: the tray already says that the server is away.
          isStale = true;
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
      isReading = false;
    },
  };
}

function isTemporary(error: unknown): boolean {
  return error instanceof TaskError && (error.code === 'offline' || error.status >= 500);
}

function createRow({ name, email, company, phone }: Contact): HTMLTableRowElement {
  const row = document.createElement('tr');
  row.append(
    ...[name, email, company, phone].map((value) => {
      const cell = document.createElement('td');
      cell.textContent = value;
      cell.title = value;
      return cell;
    }),
  );
  return row;
}
