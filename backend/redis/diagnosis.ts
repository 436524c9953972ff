/**
 * Looks at a Redis once and says what it is like: for `npx inloop doctor`, which names everything that is wrong with it. A
 * running server or worker does not need this: it inspects each Redis before it uses it (`inspection.ts`).
 */

import { withDeadline } from '../async.ts';
import { type Host, parseRedisAddress } from './address.ts';
import { type Client, clientMaker, clientOptions } from './client.ts';
import { faultOf } from './fault.ts';
import { inspect, readFacts } from './inspection.ts';
import { findPrimary } from './sentinel.ts';

/** What was found. A text is one line without secrets, as the log of a server has it. */
export interface RedisDiagnosis {
  /** The server that was asked: for an address of sentinels, the primary that they name. Null if they name none. */
  readonly host: Host | null;
  /** Why there is no connection; null if there is one. Without a connection, nothing below is known. */
  readonly unreachable: string | null;
  /** How long Redis took to answer a command (TIME), in ms. */
  readonly roundTripMs: number;
  /** The fields of INFO; if the user may not use INFO, version and mode at most. */
  readonly facts: Readonly<Record<string, string>>;
  /** Why inloop cannot be used on it, or null. */
  readonly unusable: string | null;
  /** Why it takes no writes just now, or null. */
  readonly noWrites: string | null;
  /** By how much its clock is ahead of this machine's, in ms; 0 if it does not tell its time. */
  readonly aheadMs: number;
}

/** How long connecting may take, and then all questions together. */
const PATIENCE_MS = 4_000;
const makeClient = clientMaker({});
const NOTHING = { roundTripMs: 0, facts: {}, unusable: null, noWrites: null, aheadMs: 0 };

/**
 * Examines the Redis at `url`. Resolves also if nothing is there: the diagnosis says what is wrong.
 * @param url the address of Redis, as `createBackend` takes it
 * @param prefix before every key
 * @param scripts every script that will be run there
 * @throws ConfigError `invalid_options` if the address is malformed
 */
export async function diagnoseRedis(
  url: string,
  { prefix, scripts }: { readonly prefix: string; readonly scripts: readonly string[] },
): Promise<RedisDiagnosis> {
  const address = parseRedisAddress(url);
  let host: Host | null = address.primary === null ? (address.hosts[0] as Host) : null;
  let client: Client<Record<never, never>> | undefined;
  try {
    host ??= await findPrimary(address);
    client = makeClient(clientOptions(address, host)) as Client<Record<never, never>>;
    // Without a listener an error would end the process. `connect` and the commands reject with it, too.
    client.on('error', () => undefined);
    await withDeadline(client.connect(), PATIENCE_MS);
    return { host, unreachable: null, ...(await withDeadline(examine(client, prefix, scripts), PATIENCE_MS)) };
  } catch (error) {
    return { host, unreachable: faultOf(error).text, ...NOTHING };
  } finally {
    client?.destroy();
  }
}

/** Asks a connected Redis what it is like. */
async function examine(client: Client<Record<never, never>>, prefix: string, scripts: readonly string[]) {
  const send = (command: readonly string[]): Promise<unknown> => client.sendCommand([...command]);
  const fault = (work: Promise<unknown>): Promise<string | null> =>
    work.then(
      () => null,
      (error: unknown) => faultOf(error).text,
    );
  const began = performance.now();
  const time = (await send(['TIME']).catch(() => null)) as readonly [string, string] | null;
  const roundTripMs = performance.now() - began;
  // Half of the round trip has passed since Redis read its clock.
  const aheadMs = time === null ? 0 : Math.round(toMilliseconds(time) + roundTripMs / 2 - Date.now());
  const facts = await readFacts(send);
  const unusable = await fault(inspect({ send, prefix, scripts }));
  const noWrites = unusable === null ? await fault(send(['SET', `${prefix}probe`, '1', 'PX', '1000'])) : null;
  return {
    roundTripMs,
    facts,
    unusable,
    noWrites,
    aheadMs,
  };
}

/** The answer of TIME, which is in seconds and microseconds, as ms since 1970. */
function toMilliseconds([seconds, microseconds]: readonly [string, string]): number {
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}
