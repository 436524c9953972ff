/** Asks Redis Sentinel which server is the primary. It serves `connection.ts`, which asks before each connection. */

import { withDeadline } from '../async.ts';
import type { Host, RedisAddress } from './address.ts';
import { clientMaker, clientOptions } from './client.ts';
import { AwayError, UnusableRedisError } from './fault.ts';

/** How long a sentinel may take to answer. After that the next one is asked. */
const SENTINEL_MS = 1_000;
const makeClient = clientMaker({});

/**
 * The address of the primary, from the first sentinel that answers and knows it.
 * @param turn a number that chooses the sentinel to ask first
 * @throws AwayError if none answers; UnusableRedisError if none of those that answer knows the primary
 */
export async function findPrimary(address: RedisAddress, turn: number): Promise<Host> {
  const { hosts, primary } = address;
  let failure: unknown = null;
  let isUnknown = false;
  for (let n = 0; n < hosts.length; n++) {
    const sentinel = hosts[(turn + n) % hosts.length] as Host;
    try {
      const found = await ask(address, sentinel);
      if (found !== null) return found;
      isUnknown = true;
    } catch (error) {
      failure ??= error;
    }
  }
  if (isUnknown) throw new UnusableRedisError(`its sentinels know no primary called ${JSON.stringify(primary)}`);
  throw new AwayError(`none of ${hosts.length} sentinels answers: ${String((failure as Error).message || failure)}`);
}

async function ask(address: RedisAddress, sentinel: Host): Promise<Host | null> {
  const question = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.primary ?? ''];
  const withoutPassword = { ...address, username: undefined, password: undefined, database: 0 };
  const answer = (await send(withoutPassword, sentinel, question).catch((error: Error) => {
    if (address.password === undefined || !error.message.startsWith('NOAUTH')) throw error;
    return send({ ...address, database: 0 }, sentinel, question);
  })) as [string, string] | null;
  return answer && { host: answer[0], port: Number(answer[1]) };
}

async function send(address: RedisAddress, sentinel: Host, command: readonly string[]): Promise<unknown> {
  const client = makeClient(clientOptions(address, sentinel));
  client.on('error', () => undefined);
  try {
    return await withDeadline(
      client.connect().then(() => client.sendCommand([...command])),
      SENTINEL_MS,
    );
  } finally {
    client.destroy();
  }
}
