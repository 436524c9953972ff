/**
 * Declares a command of the store: a Lua script that Redis runs as one atomic step, with the names of its keys and
 * arguments and the parser of its answer. It serves the files in the folders beside it, one for each command.
 *
 * The script uses its keys and arguments by name. `keys: ['lease'], args: ['holder', 'ms']` puts these lines before it:
 *
 *   local lease = KEYS[1]
 *   local holder = ARGV[1]
 *   local ms = ARGV[2]
 *
 * The caller passes keys and arguments by name, too, and TypeScript refuses a name that is missing or misspelt. So nobody
 * writes a position by hand. The last name of a list may be marked:
 *
 *   'raw?'     may be left out: the caller passes null, the script finds nil
 *   '...ids'   takes all remaining values: the caller passes an array, the script finds a table. At most about 7,000 values,
 *              since Lua's `unpack` takes no more.
 *
 * Arguments reach the script as text. Lua turns text into a number in a calculation, but a comparison needs `tonumber`.
 *
 * The functions in `uses` are defined at the head of the script. A function that only some calls need is defined where it is
 * needed: in place of a line `-- uses <name>`. A block that is not run then defines nothing. That saves Redis 15 % of the time
 * that it needs for a task (docs/decisions/0004-one-script-per-change.md).
 */

import type { Client } from '../../redis/client.ts';
import { type Reply, type Script, toScript } from '../../redis/script.ts';
import type { Keys } from '../keys.ts';
import type { LuaFunction } from './lua.ts';

type RequiredName<N extends string> = N extends `${string}?` | `...${string}` ? never : N;
type OptionalName<N extends string> = N extends `${infer Name}?` ? Name : never;
type RestName<N extends string> = N extends `...${infer Name}` ? Name : never;

/** A value for each of these names. */
export type Values<N extends string, V extends string | number> = {
  readonly [Name in RequiredName<N>]: V;
} & {
  readonly [Name in OptionalName<N>]: V | null;
} & {
  readonly [Name in RestName<N>]: readonly V[];
};

/** A command, ready to be sent. */
export interface Command<K extends string, A extends string, Answer> extends Script {
  /** The command's name, in tests and in the first line of its script. */
  readonly name: string;
  readonly keys: readonly K[];
  readonly args: readonly A[];
  /** The same names without their marks, as the script and the caller use them. */
  readonly names: { readonly keys: readonly string[]; readonly args: readonly string[] };
  readonly uses: readonly LuaFunction[];
  /** Its own Lua, without what is put before it. */
  readonly lua: string;
  readonly parse: (reply: Reply) => Answer;
}

/** What runs commands: `Redis`. */
export interface CommandRunner {
  readonly keys: Keys;
  /** How long finished tasks are kept, in whole seconds. */
  readonly retention: number;
  /** Runs a script in one round trip. @throws TaskError `store_unavailable` within 1.5 s if Redis does not do it */
  run<K extends string, A extends string, Answer>(
    command: Command<K, A, Answer>,
    keys: Values<K, string>,
    args: Values<A, string | number>,
  ): Promise<Answer>;
  /** Tells the operator that a record cannot be read. @param task its id; null if a list found it, since lists read no ids */
  tellDamaged(task: string | null): void;
  /** Sends a plain command. @throws TaskError `store_unavailable` within 1.5 s if Redis does not do it */
  send<T>(command: (client: PlainClient) => Promise<T>): Promise<T>;
}

/** The client of `@redis/client`, without scripts: those are sent by `run`. */
export type PlainClient = Client<Record<never, never>>;

/**
 * Declares a command.
 * @param command `uses` names the shared Lua functions that its script calls
 */
export function defineCommand<const K extends string, const A extends string, Answer>(command: {
  readonly name: string;
  readonly keys: readonly K[];
  readonly args: readonly A[];
  readonly uses?: readonly LuaFunction[];
  readonly lua: string;
  readonly parse: (reply: Reply) => Answer;
}): Command<K, A, Answer> {
  const { name, keys, args, uses = [], lua } = command;
  const usesHere = /^ *-- uses (\w+)$/gm;
  const usedInBlocks = new Set([...lua.matchAll(usesHere)].map(([, used]) => used));
  const script = [
    `-- inloop: ${name}`,
    ...uses.filter((shared) => !usedInBlocks.has(shared.name)).map((shared) => shared.lua.trim()),
    ...keys.map((key, n) => declare(key, 'KEYS', n + 1)),
    ...args.map((arg, n) => declare(arg, 'ARGV', n + 1)),
    lua.trim().replace(usesHere, (_line, used) => uses.find((shared) => shared.name === used)?.lua.trim() ?? ''),
  ].join('\n');
  const names = { keys: keys.map(plainName), args: args.map(plainName) };
  return { ...command, names, uses, ...toScript(script) };
}

/** What follows EVALSHA and the script's hash: the number of keys, the keys, the arguments. */
export function encodeCall<K extends string, A extends string>(
  command: Command<K, A, unknown>,
  keys: Values<K, string>,
  args: Values<A, string | number>,
): string[] {
  const call = [''];
  push(call, command.names.keys, keys);
  call[0] = String(call.length - 1);
  push(call, command.names.args, args);
  return call;
}

/** 'raw' for 'raw?', 'ids' for '...ids'. */
function plainName(name: string): string {
  return name.replace(/^\.\.\.|\?$/g, '');
}

function declare(name: string, list: 'KEYS' | 'ARGV', position: number): string {
  if (name.startsWith('...')) return `local ${plainName(name)} = {unpack(${list}, ${position})}`;
  return `local ${plainName(name)} = ${list}[${position}]`;
}

function push(call: string[], names: readonly string[], values: object): void {
  for (const name of names) {
    const value = (values as Record<string, string | number | null | readonly (string | number)[]>)[name];
    if (Array.isArray(value)) for (const one of value) call.push(String(one));
    else if (value !== null) call.push(String(value));
  }
}
