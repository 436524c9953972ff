// Starts a hardened Soketi for a test, on a free port and with the settings of the local stack. For every test that needs real
// push.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild, waitUntilReady } from '../../../../cli/processes/child.ts';
import { claimPort, LOOPBACK, type PortClaim } from '../../../../cli/processes/ports.ts';
import { findNode20 } from '../../../../dev/setup/node20.ts';
import { soketiCommand } from '../../../../dev/stack/soketi.ts';
import { createPusherApp, type PusherApp, probeSoketi } from '../../../../soketi/pusher-app.ts';

/** A running Soketi. */
export interface TestSoketi {
  readonly pusher: PusherApp & { host: string; port: number; useTLS: false };
  /** The process id. It changes with `restart`. */
  readonly pid: number;
  /** SIGTERM: Soketi closes connections with code 4200. Resolves when the process has ended. */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same application, ending it first if it runs. */
  restart(): Promise<void>;
}

/**
 * Starts a Soketi and waits until it answers.
 *
 * @param options `webhooks`: the URL that gets its webhooks. `port`: default a free one. `userSignIn`: whether clients may sign
 * in. `tasksOnly`: whether clients may enter only the channels of tasks, as in the local stack
 */
export async function startSoketi(
  options: { webhooks?: string; port?: number; userSignIn?: boolean; tasksOnly?: boolean } = {},
): Promise<TestSoketi> {
  const node = findNode20();
  if (node === null) throw new Error('Soketi needs Node 20 here. Run "npm test", which brings it.');
  const folder = mkdtempSync(join(tmpdir(), 'inloop-soketi-'));
  const app = createPusherApp();
  // The claim keeps the port while Soketi is killed and not yet restarted.
  const claim: PortClaim = options.port ? { port: options.port, release: () => {} } : await claimPort();
  const { port } = claim;
  const start = async (): Promise<Child> => {
    const started = await startChild(
      await soketiCommand({
        node,
        app,
        port,
        folder,
        webhookUrl: options.webhooks,
        userSignIn: options.userSignIn ?? false,
        tasksOnly: options.tasksOnly ?? false,
      }),
    );
    await waitUntilReady('Soketi', started, () => probeSoketi(port, app));
    return started;
  };
  let child = await start();
  return {
    pusher: { ...app, host: LOOPBACK, port, useTLS: false },
    get pid() {
      return child.pid;
    },
    async stop() {
      await child.stop();
      claim.release();
      rmSync(folder, { recursive: true, force: true });
    },
    async kill() {
      child.signal('SIGKILL');
      await child.end;
    },
    async restart() {
      await child.stop();
      child = await start();
    },
  };
}
