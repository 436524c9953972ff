// What `npx inloop doctor` prints for people: one line for each check, by part, and below it the cure, if it has one.
import { styleText } from 'node:util';
import type { Check, CheckOutcome, Part } from './check.ts';

const HEADINGS: Readonly<Record<Part, string>> = {
  environment: 'Environment',
  redis: 'Redis',
  bus: 'Bus, from this machine',
  browser: 'Bus, as a browser uses it',
  application: 'Application',
  workers: 'Workers',
};
const SIGNS = {
  ok: ['✓', 'green'],
  note: ['!', 'yellow'],
  failed: ['✗', 'red'],
  skipped: ['-', 'dim'],
} as const satisfies Record<CheckOutcome, readonly [string, Parameters<typeof styleText>[0]]>;

/** All checks as text, with a last line that counts what failed. */
export function formatChecks(checks: readonly Check[]): string {
  const lines: string[] = [];
  for (const [part, heading] of Object.entries(HEADINGS)) {
    const ofPart = checks.filter((check) => check.part === part);
    if (ofPart.length === 0) continue;
    lines.push('', heading);
    const width = Math.max(...ofPart.map(({ name }) => name.length));
    for (const { name, outcome, found, cure } of ofPart) {
      const [sign, colour] = SIGNS[outcome];
      lines.push(`  ${paint(colour, sign)} ${name.padEnd(width)}  ${found}`);
      if (cure !== null) lines.push(`    ${' '.repeat(width)}  → ${cure}`);
    }
  }
  const failed = checks.filter(({ outcome }) => outcome === 'failed').length;
  lines.push('', failed === 0 ? 'Everything that was looked at works.' : `${failed} of ${checks.length} do not work.`);
  return lines.join('\n').trimStart();
}

function paint(colour: Parameters<typeof styleText>[0], text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(colour, text) : text;
}
