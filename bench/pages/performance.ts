// docs/performance.md, from the figures that were kept.
import { table } from '../measure/table.ts';
import type { Target } from '../part.ts';

/** What was promised beside what was measured. */
export function targetTable(targets: readonly Target[]): string {
  if (targets.length === 0) return '';
  return `\n${table(
    ['target', 'measured', 'wanted', ''],
    targets.map(({ what, measured, wanted, isMet }) => [what, measured, wanted, isMet ? 'met' : '**not met**']),
  )}`;
}

export function performancePage(_readRaw: (name: string) => unknown): string {
  return '';
}
