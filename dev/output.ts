// The stack's output: each line with the name of who says it, in colour where a person watches.
import { styleText } from 'node:util';

const NAME_WIDTH = 6;
const COLOURS = {
  inloop: 'bold',
  redis: 'red',
  soketi: 'magenta',
  server: 'green',
  worker: 'cyan',
} as const satisfies Record<string, Parameters<typeof styleText>[0]>;

/** Prints what a part of the stack said. Blank lines are left out. */
export function printLine(name: string, text: string): void {
  const line = text.trimEnd();
  if (line.trim() === '') return;
  const label = `${name.padEnd(NAME_WIDTH)} |`;
  const colour = COLOURS[name as keyof typeof COLOURS];
  const inColour = process.stdout.isTTY && !process.env.NO_COLOR && colour !== undefined;
  console.log(`${inColour ? styleText(colour, label) : label} ${line}`);
}
