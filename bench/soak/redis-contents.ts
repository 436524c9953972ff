// Counts what is in Redis. It serves the search for leaks.

/** The part of a Redis client that is used here. */
export interface RedisCaller {
  sendCommand(command: string[]): Promise<unknown>;
}

/** What Redis holds. Keys that expire within two minutes are not counted. */
export interface RedisContents {
  readonly keys: number;
  /** The entries of all keys: fields of hashes, members of sets, items of lists; a string has one. */
  readonly entries: number;
  /** Connections of clients. */
  readonly connections: number;
  /** How many entries the keys of each kind have. The kind is the first two parts of the key: `inloop:task`. Shows where a leak is. */
  readonly byKind: Readonly<Record<string, number>>;
}

const SIZES: Readonly<Record<string, string>> = { hash: 'HLEN', zset: 'ZCARD', set: 'SCARD', list: 'LLEN' };

/** Keys that expire within this time are not counted. */
const SOON_S = 120;

/** Walks all keys. Use it on a Redis with a few thousand keys at most. */
export async function readContents(client: RedisCaller): Promise<RedisContents> {
  const byKind: Record<string, number> = {};
  let keys = 0;
  let entries = 0;
  for (const key of (await client.sendCommand(['KEYS', '*'])) as string[]) {
    const type = String(await client.sendCommand(['TYPE', key]));
    const seconds = Number(await client.sendCommand(['TTL', key]));
    // A key that expires soon leaves nothing. It may also have gone meanwhile.
    if (type === 'none' || (seconds >= 0 && seconds <= SOON_S)) continue;
    const size = SIZES[type] === undefined ? 1 : Number(await client.sendCommand([SIZES[type], key]));
    const kind = key.split(':').slice(0, 2).join(':');
    keys += 1;
    entries += size;
    byKind[kind] = (byKind[kind] ?? 0) + size;
  }
  const list = String(await client.sendCommand(['CLIENT', 'LIST']));
  return { keys, entries, connections: list.trim().split('\n').length, byKind };
}
