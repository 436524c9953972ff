// The output of the stack: each line starts with the name of the part it comes from, in colour on a terminal.
import { styleText } from 'node:util';

/** The length of the longest name. */
const NAME_WIDTH = 6;
const COLOURS = {
  inloop: 'bold',
  redis: 'red',
  soketi: 'magenta',
  server: 'green',
  worker: 'cyan',
} as const satisfies Record<string, Parameters<typeof styleText>[0]>;

/** Prints one line of output of the part `name`. Blank lines are left out. */
export function printLine(name: string, text: string): void {
  const line = text.trimEnd();
  if (line.trim() === '') return;
  const label = `${name.padEnd(NAME_WIDTH)} |`;
  const colour = COLOURS[name as keyof typeof COLOURS];
  const inColour = process.stdout.isTTY && !process.env.NO_COLOR && colour !== undefined;
  console.log(`${inColour ? styleText(colour, label) : label} ${line}`);
}
