#!/usr/bin/env node
// `npx inloop …`: finds the command and runs it. Each command is loaded only when it is asked for.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { CommandError, runMain } from './command-error.ts';

const USAGE = `Usage: inloop <command>

  dev [-- command…]   Redis and Soketi on this machine, and the variables that lead there
  doctor              says of each variable and part whether it works; exit code 1 if one does not
  soketi              hardened Soketi, for production

  inloop <command> --help says more.`;

/** A command: takes its arguments, resolves with the exit code. */
type Run = (args: string[]) => Promise<number>;

const COMMANDS: Readonly<Record<string, () => Promise<Run>>> = {
  dev: async () => (await import('./dev/dev.ts')).runDev,
  doctor: async () => (await import('./doctor/doctor.ts')).runDoctor,
  soketi: async () => (await import('./soketi/soketi.ts')).runSoketi,
  // Not for people: see processes/guard.ts.
  guard: async () => (await import('./processes/guard.ts')).runGuard,
};

runMain(async () => {
  const [name = '', ...args] = process.argv.slice(2);
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load) process.exit(await (await load())(args));
  const { values } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
    args: process.argv.slice(2),
    allowPositionals: true,
    strict: false,
  });
  if (values.version) {
    console.log((createRequire(import.meta.url)('inloop/package.json') as { version: string }).version);
  } else if (values.help) console.log(USAGE);
  else
    throw new CommandError(name === '' ? `which command?\n\n${USAGE}` : `there is no command "${name}".\n\n${USAGE}`);
});
