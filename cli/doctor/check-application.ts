// Looks at the running application: whether inloop's router is mounted at a URL, and whether webhooks of the bus get through
// to it.
import { createHmac } from 'node:crypto';
import type { PusherOptions } from '../../backend/push/bus/pusher-env.ts';
import { type Check, Findings } from './check.ts';

/** How long an answer may take. */
const PATIENCE_MS = 5_000;

/** @param url where the router is mounted, as the bus reaches it; null if it was not told */
export async function checkApplication(url: string | null, pusher: PusherOptions): Promise<readonly Check[]> {
  const findings = new Findings('application');
  if (url === null) {
    findings.skipped('webhook', 'not asked for. Name the mounted router: --url http://localhost:3000/tasks');
    return findings.checks;
  }
  const base = url.replace(/\/+$/, '');
  try {
    const connection = await fetch(`${base}/connection`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      redirect: 'manual',
    });
    await connection.body?.cancel();
    if (connection.headers.get('inloop-protocol') === null) {
      findings.failed('router', `${base}/connection answers ${connection.status}, but not from inloop`, MOUNT_CURE);
      return findings.checks;
    }
    findings.ok('router', `is mounted at ${base}`);
  } catch (error) {
    const { code } = Object((error as Error).cause) as NodeJS.ErrnoException;
    findings.failed('router', `${base} cannot be reached (${code ?? (error as Error).message})`, MOUNT_CURE);
    return findings.checks;
  }
  const status = await sendWebhook(`${base}/webhook`, pusher);
  if (status === 200) findings.ok('webhook', `a signed one to ${base}/webhook is taken`);
  else {
    const answer = status === null ? 'gets no answer' : `is answered ${status}`;
    findings.failed('webhook', `a signed one to ${base}/webhook ${answer}`, cureOf(status));
  }
  return findings.checks;
}

const MOUNT_CURE =
  'Start the application, and name the path of app.use(path, tasks.router): --url http://host:port/tasks';

/** Sends a webhook without events, which changes nothing. Resolves with the status of the answer; null if none came. */
async function sendWebhook(url: string, { key, secret }: PusherOptions): Promise<number | null> {
  const body = JSON.stringify({ time_ms: Date.now(), events: [] });
  const answer = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-pusher-key': key,
      'x-pusher-signature': createHmac('sha256', secret).update(body).digest('hex'),
    },
    signal: AbortSignal.timeout(PATIENCE_MS),
    redirect: 'manual',
  }).catch(() => null);
  await answer?.body?.cancel();
  return answer?.status ?? null;
}

function cureOf(status: number | null): string {
  if (status === 401)
    return 'The application has another PUSHER_SECRET, or a body parser reads the body before the router: mount the router first.';
  if (status === 403 || (status !== null && status >= 300 && status < 400)) {
    return 'A login wall or a CSRF check stands before the router. Let POST …/webhook through: it checks the signature of the bus.';
  }
  return 'The log of the application says more.';
}
