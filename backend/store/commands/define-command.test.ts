import { describe, expect, it } from '@jest/globals';
import { type CommandRunner, defineCommand, encodeCall } from './define-command.ts';
import type { LuaFunction } from './lua.ts';

const double: LuaFunction = { name: 'double', lua: 'local function double(n) return n * 2 end' };

const EXAMPLE = defineCommand({
  name: 'example',
  keys: ['task', 'other?'],
  args: ['owner', 'ms', '...ids'],
  uses: [double],
  lua: 'return double(ms)',
  parse: (reply) => reply === 2,
});

describe('a command', () => {
  it('has a script that begins with the shared functions, then gives its keys and arguments names', () => {
    expect(EXAMPLE.script.split('\n')).toEqual([
      '-- inloop: example',
      'local function double(n) return n * 2 end',
      'local task = KEYS[1]',
      'local other = KEYS[2]',
      'local owner = ARGV[1]',
      'local ms = ARGV[2]',
      'local ids = {unpack(ARGV, 3)}',
      'return double(ms)',
    ]);
  });

  it('defines a shared function in place of a line `-- uses`', () => {
    const lua = "if ms == '' then\n  -- uses double\n  return double(1)\nend\nreturn ms";
    const { script } = defineCommand({ ...EXAMPLE, keys: [], args: ['ms'], lua });
    expect(script.split('\n')).toEqual([
      '-- inloop: example',
      'local ms = ARGV[1]',
      "if ms == '' then",
      'local function double(n) return n * 2 end',
      '  return double(1)',
      'end',
      'return ms',
    ]);
  });

  it('is called by name, in any order: the number of keys, the keys, the arguments', () => {
    expect(encodeCall(EXAMPLE, { other: 'k2', task: 'k1' }, { ms: 5, ids: ['a', 'b'], owner: 'ada' })).toEqual([
      '2',
      'k1',
      'k2',
      'ada',
      '5',
      'a',
      'b',
    ]);
    expect(encodeCall(EXAMPLE, { task: 'k1', other: null }, { owner: '', ms: 5, ids: [] })).toEqual([
      '1',
      'k1',
      '',
      '5',
    ]);
  });

  it('has the hash of the whole script', () => {
    const other = defineCommand({ ...EXAMPLE, args: ['ms', 'owner', '...ids'] });
    expect(EXAMPLE.sha1).toMatch(/^[0-9a-f]{40}$/);
    expect(other.sha1).not.toBe(EXAMPLE.sha1);
  });

  // Only compiled: `npm run check` fails where one of these calls would compile.
  async function wrongCalls(redis: CommandRunner): Promise<void> {
    const keys = { task: 'k1', other: null };
    const args = { owner: 'ada', ms: 5, ids: [] };
    const answer: boolean = await redis.run(EXAMPLE, keys, args);
    // @ts-expect-error the answer is what `parse` makes of it
    const text: string = await redis.run(EXAMPLE, keys, args);
    // @ts-expect-error a key is missing
    await redis.run(EXAMPLE, { other: null }, args);
    // @ts-expect-error a key that may be left out must be given as null
    await redis.run(EXAMPLE, { task: 'k1' }, args);
    // @ts-expect-error a key is misspelt
    await redis.run(EXAMPLE, { task: 'k1', other: null, ohter: 'k2' }, args);
    // @ts-expect-error an argument is missing
    await redis.run(EXAMPLE, keys, { owner: 'ada', ids: [] });
    // @ts-expect-error an argument is misspelt
    await redis.run(EXAMPLE, keys, { owner: 'ada', mss: 5, ids: [] });
    // @ts-expect-error null is for what may be left out
    await redis.run(EXAMPLE, keys, { owner: null, ms: 5, ids: [] });
    // @ts-expect-error a list takes a list
    await redis.run(EXAMPLE, keys, { owner: 'ada', ms: 5, ids: 'a' });
    void [answer, text];
  }
  void wrongCalls;
});
