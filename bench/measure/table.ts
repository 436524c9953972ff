// Writes figures as text and as tables, for the screen and for the documents.
import { median } from './stats.ts';

/** Rows of cells as a Markdown table, which reads well on a screen too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}

/** A figure with three significant digits (`0.0512`, `3.51`, `88.1`), from 100 as a whole number (`1,235`); `–` for null or NaN. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** The median of some runs, with the least and the greatest: `3.51 (3.4–3.9)`. One run is shown alone. */
export function spread(samples: readonly number[]): string {
  if (samples.length < 2) return figure(samples[0]);
  return `${figure(median(samples))} (${figure(Math.min(...samples))}–${figure(Math.max(...samples))})`;
}
