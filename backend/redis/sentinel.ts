/**
 * Asks Redis Sentinel which server is the primary. It serves `connection.ts`, which asks before each connection, and
 * `diagnosis.ts`.
 *
 * All sentinels are asked at once. During a failover some of them still name the old primary, which may be running again and
 * take writes that will be lost. Each configuration has a number, its epoch, and the newest one is believed. A sentinel that
 * was started a moment ago may know no primary: its answer counts only if no other sentinel knows one.
 */

import { delay, withDeadline } from '../async.ts';
import type { Host, RedisAddress } from './address.ts';
import { clientMaker, clientOptions } from './client.ts';
import { AwayError, UnusableRedisError } from './fault.ts';

/** How long a sentinel may take to answer. */
const SENTINEL_MS = 1_000;
/** How long the other sentinels may take once one has named a primary. Those that are well answer at nearly the same time. */
const OTHERS_MS = 250;
const makeClient = clientMaker({});

/** What one sentinel knows. */
interface Answer {
  /** Null if it does not know the primary. */
  readonly host: Host | null;
  readonly epoch: number;
}

/**
 * The address of the primary, as the sentinel with the newest configuration names it.
 * @throws AwayError if no sentinel answers; UnusableRedisError if none of those that answer knows the primary
 */
export async function findPrimary(address: RedisAddress): Promise<Host> {
  const { hosts, primary } = address;
  const answers: Answer[] = [];
  const asked = hosts.map(async (sentinel) => {
    const answer = await ask(address, sentinel);
    answers.push(answer);
    return answer;
  });
  const all = Promise.allSettled(asked);
  // Waits until all have answered or failed, but at most 250 ms beyond the first answer that names a primary.
  const firstAndPause = asked.map(async (asking) => {
    const { host } = await asking;
    await (host === null ? all : delay(OTHERS_MS));
  });
  await Promise.race([all, Promise.any(firstAndPause).catch(() => all)]);
  if (answers.length === 0) {
    const [failed] = await all;
    const reason: unknown = failed?.status === 'rejected' ? failed.reason : null;
    throw new AwayError(
      `none of ${hosts.length} sentinels answers: ${reason instanceof Error ? reason.message : String(reason)}`,
    );
  }
  const [newest] = answers.filter(({ host }) => host !== null).sort((a, b) => b.epoch - a.epoch);
  if (newest?.host) return newest.host;
  throw new UnusableRedisError(`its sentinels know no primary called ${JSON.stringify(primary)}`);
}

/**
 * What one sentinel knows of the primary.
 *
 * It asks without the password first. Most sentinels have none, and they refuse a client that sends one. A sentinel that
 * has one answers NOAUTH, and is asked again with it. The number of the database goes to no sentinel: they have no SELECT.
 */
async function ask(address: RedisAddress, sentinel: Host): Promise<Answer> {
  const withoutPassword = { ...address, username: undefined, password: undefined, database: 0 };
  return askWith(withoutPassword, sentinel).catch((error: Error) => {
    if (address.password === undefined || !error.message.startsWith('NOAUTH')) throw error;
    return askWith({ ...address, database: 0 }, sentinel);
  });
}

/** Asks one sentinel with the user name and the password of `address`, or with none. */
async function askWith(address: RedisAddress, sentinel: Host): Promise<Answer> {
  const name = address.primary ?? '';
  const client = makeClient(clientOptions(address, sentinel));
  // Without a listener an error would end the process. `connect` and `sendCommand` reject with it, too.
  client.on('error', () => undefined);
  const read = async (): Promise<Answer> => {
    await client.connect();
    // During a failover, this names the new primary as soon as it is one. The details below still have the old address.
    const named = (await client.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name])) as [string, string] | null;
    if (named === null) return { host: null, epoch: 0 };
    // Something that only resembles a sentinel may lack this command. Its configuration then counts as the oldest.
    const details = (await client.sendCommand(['SENTINEL', 'MASTER', name]).catch(() => [])) as string[];
    const epoch = Number(details[details.indexOf('config-epoch') + 1]);
    return { host: { host: named[0], port: Number(named[1]) }, epoch: Number.isFinite(epoch) ? epoch : 0 };
  };
  try {
    return await withDeadline(read(), SENTINEL_MS);
  } finally {
    client.destroy();
  }
}
