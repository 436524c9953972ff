// Reads the arguments of a command. For arguments that it cannot read it throws a `CommandError` with the usage of the command.
import { parseArgs } from 'node:util';
import { CommandError } from './command-error.ts';

/** The values of options, by the kinds that were declared. */
type Values<O extends Readonly<Record<string, 'string' | 'boolean'>>> = {
  -readonly [Name in keyof O]?: O[Name] extends 'string' ? string : boolean;
};

/**
 * Reads the options of a command.
 * @param options the kind of each option. `--help` need not be named: every command has it
 * @param usage printed for `--help`, and with an argument that is not known
 * @returns the values; null when `--help` was asked for and has been printed
 * @throws CommandError
 */
export function readArguments<const O extends Readonly<Record<string, 'string' | 'boolean'>>>(
  args: readonly string[],
  options: O,
  usage: string,
): Values<O> | null {
  const declared = Object.entries(options).map(([name, type]) => [name, { type }] as const);
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { ...Object.fromEntries(declared), help: { type: 'boolean', short: 'h' } },
    });
    if (!values.help) return values as Values<O>;
  } catch (error) {
    throw new CommandError(`${(error as Error).message}\n\n${usage}`);
  }
  console.log(usage);
  return null;
}

/** @throws CommandError naming `name` if `text` is not a port from 1 to 65535 */
export function readPort(name: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new CommandError(`${name} must be a whole number from 1 to 65535, not "${text}".`);
}
