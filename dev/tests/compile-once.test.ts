import vm from 'node:vm';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import compileOnce from './compile-once.cjs';

/** Node's own `compileFunction`. */
const usual = jest.fn(vm.compileFunction);
let compile: typeof vm.compileFunction;
beforeEach(() => {
  usual.mockClear();
  compile = compileOnce(usual);
});

const run = (source: string, context = vm.createContext(), filename = '/some/file.js') =>
  compile(source, ['n'], { filename, parsingContext: context });

describe('a module that several test files load', () => {
  it('is compiled once', () => {
    const compiled = jest.spyOn(vm.Script.prototype, 'runInContext');
    try {
      run('return n + 1');
      run('return n + 1');
      run('return n + 2');
      const [first, second, other] = compiled.mock.contexts;
      expect(second).toBe(first);
      expect(other).not.toBe(first);
    } finally {
      compiled.mockRestore();
    }
  });

  it('sees the globals of its own context only, and keeps its state to itself', () => {
    const counter = 'let count = start; return () => ++count;';
    const [one, ten] = [1, 10].map((start) => run(counter, vm.createContext({ start })));
    const [countFromOne, countFromTen] = [one?.(), ten?.()];
    expect([countFromOne(), countFromOne(), countFromTen()]).toEqual([2, 3, 11]);
    expect(one?.()()).toBe(2);
  });

  it('runs as it is now, and not as it was before an edit', () => {
    expect(run('return n + 1')(1)).toBe(2);
    expect(run('return n + 2')(1)).toBe(3);
  });

  it('is told apart from another file with the same source', () => {
    const whereItFails = (filename: string): string => {
      try {
        run('throw new Error()', vm.createContext({ Error }), filename)();
        return 'nowhere';
      } catch (error) {
        return String(error instanceof Error && error.stack);
      }
    };
    expect(whereItFails('/one.js')).toContain('at /one.js:1:7');
    expect(whereItFails('/two.js')).toContain('at /two.js:1:7');
  });

  it.each([
    ['ends in a comment', 'return n // as it is'],
    ['asks for strict mode', "'use strict'; return (function () { return this === undefined ? n : 0; })()"],
  ])('may be one that %s', (_what, source) => {
    expect(run(source)(7)).toBe(7);
  });

  it('throws a SyntaxError when it is compiled, if its syntax is wrong', () => {
    expect(() => run('return (')).toThrow(expect.objectContaining({ name: 'SyntaxError' }));
  });
});

it('code without a file or a context is left to Node', () => {
  expect(compile('return n', ['n'])(7)).toBe(7);
  expect(compile('return n', ['n'], { filename: '/some/file.js' })(8)).toBe(8);
  expect(usual).toHaveBeenCalledTimes(2);
});
