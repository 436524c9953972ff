// Looks at the bus as a server does: whether it answers, accepts our credentials and takes an event of the largest size.
import type { Bus, BusError } from '../../backend/push/bus/bus.ts';
import type { PusherOptions } from '../../backend/push/bus/pusher-env.ts';
import { MAX_EVENT_BYTES } from '../../core/limits.ts';
import { type Check, Findings } from './check.ts';

/** Clocks that differ by more are a fault, in ms. The bus refuses calls when they differ by more than 600 s. */
const MAX_SKEW_MS = 60_000;
/** How long an answer may take. */
const PATIENCE_MS = 3_000;

/** @param channel one that nobody listens to */
export async function checkBus(bus: Bus, pusher: PusherOptions, channel: string): Promise<readonly Check[]> {
  const findings = new Findings('bus');
  const { server, cluster } = pusher;
  const where = server === null ? `hosted Pusher, cluster ${cluster}` : `${server.host}:${server.port}`;
  if (!(await bus.isReachable())) {
    findings.failed(
      'connection',
      `nothing listens at ${where}`,
      'Start Soketi there (`npx inloop dev` or `npx inloop soketi`), or correct PUSHER_HOST and PUSHER_PORT.',
    );
    return findings.checks;
  }
  await bus.isOccupied(channel).then(
    () => findings.ok('credentials', `${where} accepts them`),
    (error: BusError) => findings.failed('credentials', `${where}: ${error.message}`, cureOf(error)),
  );
  if (findings.hasFailed) return findings.checks;
  await checkClock(pusher, findings);
  // Encryption makes data longer, so an encrypted event is tested with a small one.
  const data = bus.isEncrypted ? JSON.stringify('x'.repeat(1_000)) : 'x'.repeat(MAX_EVENT_BYTES);
  await bus.send([{ channel, name: 'inloop.doctor', data }]).then(
    () =>
      findings.ok(
        'events',
        bus.isEncrypted
          ? 'takes an encrypted event'
          : `takes one of ${MAX_EVENT_BYTES} bytes, the most that inloop sends`,
      ),
    (error: BusError) =>
      findings.failed(
        'events',
        error.message,
        error.status === 413 || /size|big|large/i.test(error.message) ? SIZE_CURE : cureOf(error),
      ),
  );
  return findings.checks;
}

const SIZE_CURE = 'Let the bus take events of 10 KB: SOKETI_EVENT_MAX_SIZE_IN_KB=10.';

function cureOf({ status, message }: BusError): string {
  if (/timestamp|expired/i.test(message)) return 'The clocks of this machine and of the bus differ. Set both, by NTP.';
  if (status === 401 || status === 403)
    return 'PUSHER_KEY and PUSHER_SECRET must be those of the application PUSHER_APP_ID on the bus.';
  if (status === 404) {
    return 'The bus knows no application PUSHER_APP_ID. (Soketi on Node 22 or newer answers this as well: docs/soketi.md.)';
  }
  if (status === null) return 'Correct PUSHER_HOST, PUSHER_PORT and PUSHER_TLS. Another service may listen there.';
  return 'The log of the bus says more.';
}

/** The bus tells its time in the header `Date` of an answer. A proxy in front of it may take the header away. */
async function checkClock({ server, cluster }: PusherOptions, findings: Findings): Promise<void> {
  const url =
    server === null
      ? `https://api-${cluster}.pusher.com/`
      : `${server.tls ? 'https' : 'http'}://${server.host}:${server.port}/`;
  const began = Date.now();
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
  const date = Date.parse(answer?.headers.get('date') ?? '');
  if (Number.isNaN(date)) findings.ok('clock', 'agrees within the ten minutes that a signature is valid');
  else if (Math.abs(date - began) <= MAX_SKEW_MS) findings.ok('clock', 'agrees with this machine’s');
  else
    findings.failed(
      'clock',
      `is ${Math.round((date - began) / 1_000)} s off this machine's`,
      'Set both clocks, by NTP.',
    );
}
