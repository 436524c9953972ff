// What holds for every command, read from its script. What the commands do is tested by the store's tests.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../../../dev/paths.ts';
import { commandsNeeded } from '../../redis/inspection.ts';
import { ALL_COMMANDS } from './index.ts';
import * as shared from './lua.ts';

const folder = join(REPOSITORY, 'backend', 'store', 'commands');
const LUA_WORDS =
  'and break do else elseif end false for function if in local nil not or repeat return then true until while';
const LUA_GLOBALS = 'redis KEYS ARGV unpack ipairs pairs tonumber tostring string table math type next';

/** The Lua without comments and texts, so that only names are left. */
const codeOf = (lua: string) => lua.replace(/--.*$/gm, '').replace(/'[^']*'/g, "''");
/** Whether the Lua has `name` as a word. */
const uses = (lua: string, name: string) => new RegExp(`(?<![\\w.])${name}\\b`).test(codeOf(lua));

/** The commands that the user of docs/redis.md may send. */
const allowed = (() => {
  const docs = readFileSync(join(REPOSITORY, 'docs', 'redis.md'), 'utf8');
  const line = /^ACL SETUSER inloop .*$/m.exec(docs)?.[0] ?? '';
  return line.split(' ').flatMap((word) => (word.startsWith('+') ? [word.slice(1)] : []));
})();

describe.each(ALL_COMMANDS.map((command) => [command.name, command] as const))('%s', (_name, command) => {
  const names = [...command.names.keys, ...command.names.args];

  it('uses every name that it declares, and calls every function that is in its `uses`', () => {
    for (const name of [...names, ...command.uses.map(({ name }) => name)]) {
      expect({ name, isUsed: uses(command.lua, name) }).toEqual({ name, isUsed: true });
    }
  });

  it('has in its `uses` every shared function that it calls', () => {
    const declared = command.uses.map(({ name }) => name);
    for (const { name } of Object.values(shared)) {
      expect({ name, isUsed: uses(command.lua, name) }).toEqual({ name, isUsed: declared.includes(name) });
    }
  });

  // In place of a line `-- uses <name>` the script gets the text of that function (define-command.ts).
  it('has lines `-- uses` only for functions that are in its `uses`', () => {
    const inBlocks = [...command.lua.matchAll(/-- uses (.*)$/gm)].map(([, name]) => name);
    expect(command.uses.map(({ name }) => name)).toEqual(expect.arrayContaining(inBlocks));
  });

  it('has names that Lua can use, each once', () => {
    const taken = [...`${LUA_WORDS} ${LUA_GLOBALS}`.split(' '), ...command.uses.map(({ name }) => name)];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) {
      expect(name).toMatch(/^[a-zA-Z]\w*$/);
      expect(taken).not.toContain(name);
    }
  });

  it('has no list of keys or arguments except as the last one', () => {
    for (const list of [command.keys, command.args] as const) {
      for (const name of list.slice(0, -1)) expect(name).toMatch(/^\w+$/);
    }
  });

  it('knows no position of a key or an argument', () => {
    expect(command.lua).not.toMatch(/\b(KEYS|ARGV)\b/);
  });

  it('needs no right that docs/redis.md leaves out', () => {
    for (const needed of commandsNeeded([command.script])) expect(allowed).toContain(needed);
    const calls = [...codeOf(command.lua).matchAll(/redis\.p?call\(/g)].length;
    const named = [...command.lua.matchAll(/redis\.p?call\('[A-Z]+'/g)].length;
    // A call whose command is not written out would be overlooked.
    expect(named).toBe(calls);
  });
});

it('every command is in the list, under the name of its file', () => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const commands = files.filter(({ name, parentPath }) => parentPath !== folder && name.endsWith('.ts'));
  expect(ALL_COMMANDS.map(({ name }) => `${name}.ts`).sort()).toEqual(commands.map(({ name }) => name).sort());
});
