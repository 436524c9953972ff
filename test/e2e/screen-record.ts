// Records every text that the tray's rows show, in order. With the record a test can check states that are too short to wait
// for, and prove that something was never shown. It runs inside the page.
import type { InloopTray } from '../../client/element/index.ts';

/** The text of a row at one moment. */
export interface RowRecord {
  title: string;
  /** State and facts, as in "Saving · 30 of 100". */
  status: string;
  remarks: string[];
  /** Milliseconds since 1970. */
  at: number;
}

/** Everything that a page has shown since it was loaded. */
export interface ScreenRecord {
  rows: RowRecord[];
  /** The connection's statuses. */
  connections: { status: string; at: number }[];
  /** Texts of the line about the connection. */
  banners: string[];
  /** Texts of the "While you were away" summary. */
  summaries: string[];
  /** Texts of toasts, each when it appeared. */
  toasts: string[];
}

/** Starts to record. For `addInitScript`: it runs in the page, so it uses nothing outside itself. */
export function recordScreen(): void {
  const record: ScreenRecord = { rows: [], connections: [], banners: [], summaries: [], toasts: [] };
  Object.assign(globalThis, { screenRecord: record });
  const last = new WeakMap<Element, string>();
  const toasts = new WeakSet<Element>();
  const textOf = (parent: ParentNode, part: string) =>
    [...parent.querySelectorAll<HTMLElement>(`[part=${part}]`)].filter((element) => !element.hidden).map(toText);
  const toText = (element: Element) => (element.textContent ?? '').replaceAll('\u00a0', ' ').trim();

  const note = (root: ShadowRoot) => {
    for (const row of root.querySelectorAll('[part=task]')) {
      const said = {
        title: textOf(row, 'title')[0] ?? '',
        status: textOf(row, 'status')[0] ?? '',
        remarks: textOf(row, 'remark'),
      };
      const key = JSON.stringify(said);
      if (last.get(row) === key) continue;
      last.set(row, key);
      record.rows.push({ ...said, at: Date.now() });
    }
    for (const toast of root.querySelectorAll('[part=toast]')) {
      if (!toasts.has(toast)) record.toasts.push(toText(toast));
      toasts.add(toast);
    }
    const banner = textOf(root, 'banner')[0] ?? '';
    if (banner && record.banners.at(-1) !== banner) record.banners.push(banner);
    const [summary] = root.querySelectorAll('[part=away]:not([hidden]) p');
    const told = summary ? toText(summary) : '';
    if (told && record.summaries.at(-1) !== told) record.summaries.push(told);
  };

  const watched = new WeakSet<ShadowRoot>();
  new MutationObserver(() => {
    const root = document.querySelector('inloop-tray')?.shadowRoot;
    if (!root || watched.has(root)) return;
    watched.add(root);
    const { feed } = root.host as InloopTray;
    const noteConnection = () => {
      const { status } = feed?.getSnapshot().connection ?? { status: 'none' };
      if (record.connections.at(-1)?.status !== status) record.connections.push({ status, at: Date.now() });
    };
    feed?.subscribe(noteConnection);
    noteConnection();
    new MutationObserver(() => note(root)).observe(root, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
  }).observe(document, { subtree: true, childList: true });
}

/** The progress that a row showed: "30 of 100" is 30, in the attempt that it showed. Null for a row without progress. */
export function progressOf({ status, remarks }: RowRecord): { attempt: number; done: number; total: number } | null {
  const [, done, total] = /([\d,]+) of ([\d,]+)/.exec(status) ?? [];
  // A row that waits for its next attempt says "attempt 2 of 3", which is no progress.
  if (/attempt/.test(status) || done === undefined || total === undefined) return null;
  const [, attempt = '1'] = /attempt (\d+) of/.exec(remarks.join()) ?? [];
  const toNumber = (text: string) => Number(text.replaceAll(',', ''));
  return { attempt: Number(attempt), done: toNumber(done), total: toNumber(total) };
}

/** The steps at which progress went back within one attempt. */
export function backwardSteps(rows: readonly RowRecord[]): string[] {
  const known = new Map<string, { attempt: number; done: number }>();
  return rows.flatMap((row) => {
    const now = progressOf(row);
    if (!now) return [];
    const before = known.get(row.title);
    known.set(row.title, now);
    if (!before || now.attempt > before.attempt || (now.attempt === before.attempt && now.done >= before.done))
      return [];
    return `${row.title}: ${before.done} in attempt ${before.attempt}, then ${now.done} in attempt ${now.attempt}`;
  });
}
