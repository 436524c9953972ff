// What a Redis holds, as JSON: read for a store that is kept, and written for the test that starts from it.
import { createClient } from '@redis/client';

/** A key and its value. All texts are as Redis has them. */
export type StoredKey = {
  readonly key: string;
  /** In ms, from when it was read; null if it never expires. */
  readonly expiresIn: number | null;
} & (
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'list'; readonly value: readonly string[] }
  | { readonly type: 'set'; readonly value: readonly string[] }
  | { readonly type: 'hash'; readonly value: Readonly<Record<string, string>> }
  | { readonly type: 'zset'; readonly value: readonly (readonly [member: string, score: string])[] }
);

/** A store as a released version wrote it. */
export interface KeptStore {
  readonly version: string;
  /** When it was read. Times inside the values are from before that. */
  readonly readAt: string;
  readonly keys: readonly StoredKey[];
}

/** All keys, sorted by name. */
export async function readKeys(url: string): Promise<StoredKey[]> {
  return withClient(url, async (client) => {
    const names = (await client.keys('*')).sort();
    const keys: StoredKey[] = [];
    for (const key of names) {
      const ttl = await client.pTTL(key);
      const found = await readValue(client, key);
      if (found) keys.push({ key, expiresIn: ttl < 0 ? null : ttl, ...found });
    }
    return keys;
  });
}

/** Writes the keys to an empty Redis. They expire as long from now as they did when they were read. */
export async function writeKeys(url: string, keys: readonly StoredKey[]): Promise<void> {
  await withClient(url, async (client) => {
    for (const stored of keys) {
      const { key } = stored;
      if (stored.type === 'string') await client.set(key, stored.value);
      else if (stored.type === 'list') await client.rPush(key, [...stored.value]);
      else if (stored.type === 'set') await client.sAdd(key, [...stored.value]);
      else if (stored.type === 'hash') await client.hSet(key, { ...stored.value });
      else
        await client.zAdd(
          key,
          stored.value.map(([value, score]) => ({ value, score: Number(score) })),
        );
      if (stored.expiresIn !== null) await client.pExpire(key, stored.expiresIn);
    }
  });
}

const rawClient = (url: string) => createClient({ url });
type Client = ReturnType<typeof rawClient>;

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = rawClient(url);
  await client.connect();
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

/** Null if the key has expired meanwhile. */
async function readValue(client: Client, key: string) {
  const type = await client.type(key);
  if (type === 'string') return { type, value: (await client.get(key)) ?? '' } as const;
  if (type === 'list') return { type, value: await client.lRange(key, 0, -1) } as const;
  if (type === 'set') return { type, value: (await client.sMembers(key)).sort() } as const;
  if (type === 'hash') return { type, value: { ...(await client.hGetAll(key)) } } as const;
  if (type !== 'zset') return null;
  const members = await client.zRangeWithScores(key, 0, -1);
  return { type, value: members.map(({ value, score }) => [value, String(score)] as const) } as const;
}
