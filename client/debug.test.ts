import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';

const before = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');
const said: unknown[][] = [];

beforeEach(() => {
  jest.resetModules();
  said.length = 0;
  jest.spyOn(console, 'debug').mockImplementation((...of) => void said.push(of));
});

afterEach(() => {
  jest.restoreAllMocks();
  if (before) Object.defineProperty(globalThis, 'localStorage', before);
  else Reflect.deleteProperty(globalThis, 'localStorage');
});

/** `get` is called for each access to `localStorage`, and may throw. */
function setStorage(get: () => unknown): void {
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, get });
}

it('says what it is told where the page asks for it', async () => {
  setStorage(() => ({ inloopDebug: '1' }));
  const { debug } = await import('./debug.ts');
  debug('dropped', 'a', 1);
  expect(said).toEqual([['inloop: dropped', 'a', 1]]);
});

it.each([
  ['is not asked for', () => ({})],
  ['has no storage', () => undefined],
  [
    'may not use its storage',
    () => {
      throw new Error('SecurityError');
    },
  ],
])('says nothing, and throws nothing, where the page %s', async (_name, get) => {
  setStorage(get);
  const { debug, isDebugging } = await import('./debug.ts');
  debug('dropped');
  expect([said, isDebugging()]).toEqual([[], false]);
});

it('looks at the storage once, however often there is something to say', async () => {
  let looks = 0;
  setStorage(() => {
    looks++;
    return {};
  });
  const { debug } = await import('./debug.ts');
  for (let count = 0; count < 1_000; count++) debug('dropped');
  expect(looks).toBe(1);
});
