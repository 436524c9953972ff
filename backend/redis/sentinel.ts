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
 * @param first which sentinel to ask first: `hosts[first]`, counted on from the beginning after the last one
 * @throws AwayError if none answers; UnusableRedisError if none of those that answer knows the primary
 */
export async function findPrimary(address: RedisAddress, first: number): Promise<Host> {
  const { hosts, primary } = address;
  let failure: unknown = null;
  let hasAnswer = false;
  for (let n = 0; n < hosts.length; n++) {
    const sentinel = hosts[(first + n) % hosts.length] as Host;
    try {
      const found = await ask(address, sentinel);
      if (found !== null) return found;
      hasAnswer = true;
    } catch (error) {
      failure ??= error;
    }
  }
  if (hasAnswer) throw new UnusableRedisError(`its sentinels know no primary called ${JSON.stringify(primary)}`);
  throw new AwayError(`none of ${hosts.length} sentinels answers: ${String((failure as Error).message || failure)}`);
}

/**
 * The primary that one sentinel names, or null if it does not know the primary.
 *
 * It asks without the password first. Most sentinels have none, and they refuse a client that sends one. A sentinel that
 * has one answers NOAUTH, and is asked again with it. The number of the database goes to no sentinel: they have no SELECT.
 */
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
  // Without a listener an error would end the process. `connect` and `sendCommand` reject with it, too.
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
