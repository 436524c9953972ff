import { expect, it } from '@jest/globals';
import { findStorage, readText, type SharedStorage, writeText } from './storage.ts';

const FORBIDDEN: SharedStorage = {
  getItem: () => {
    throw new Error('SecurityError');
  },
  setItem: () => {
    throw new Error('QuotaExceededError');
  },
};

it('finds no storage where the browser refuses it or has none', () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');
  Object.defineProperty(globalThis, 'localStorage', {
    configurable: true,
    get: () => {
      throw new Error('SecurityError');
    },
  });
  expect(findStorage()).toBeNull();
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, value: undefined });
  expect(findStorage()).toBeNull();
  if (before) Object.defineProperty(globalThis, 'localStorage', before);
  else Reflect.deleteProperty(globalThis, 'localStorage');
});

it('reads nothing and writes nothing where that is forbidden, and never throws', () => {
  expect(readText(FORBIDDEN, 'key')).toBeNull();
  expect(readText(null, 'key')).toBeNull();
  expect(() => writeText(FORBIDDEN, 'key', 'text')).not.toThrow();
});
