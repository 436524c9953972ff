// Compares a plain Soketi with one that has our preload. For the parity tests.
import { expect } from '@jest/globals';
import type { SoketiKind } from './soketi-script.ts';

/** A plain Soketi, and one with our preload. */
export const KINDS: readonly SoketiKind[] = ['plain', 'hardened'];

/** Runs a script against both, and expects the same from both. Returns what the script returned, without signatures. */
export async function expectSame<Parts>(
  parts: Readonly<Record<SoketiKind, Parts>>,
  script: (parts: Parts) => Promise<unknown>,
): Promise<unknown> {
  const [plain, hardened] = await Promise.all(KINDS.map(async (kind) => withoutSignatures(await script(parts[kind]))));
  expect(hardened).toEqual(plain);
  return hardened;
}

/** Removes signatures, which differ because each Soketi has an application of its own. */
function withoutSignatures(seen: unknown): unknown {
  return JSON.parse(JSON.stringify(seen, (key, value: unknown) => (key === 'auth' ? undefined : value)));
}

/** An event for an API call. */
export const event = (over: object = {}) => ({ name: 'news', channel: 'room', data: '{"n":1}', ...over });
/** A member of a presence channel. */
export const MEMBER = { user_id: 'ada', user_info: { name: 'Ada' } };
