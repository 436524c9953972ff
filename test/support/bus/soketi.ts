// A hardened Soketi of a test's own, on a free port, exactly as the stack runs it. For every test that needs real push.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNode20 } from '../../../dev/setup/node20.ts';
import { type Child, startChild, waitUntilReady } from '../../../dev/stack/child.ts';
import { claimPort, LOOPBACK, type PortClaim } from '../../../dev/stack/ports.ts';
import { createPusherApp, type PusherApp, probeSoketi, soketiCommand } from '../../../dev/stack/soketi.ts';

/** A running Soketi. */
export interface TestSoketi {
  readonly pusher: PusherApp & { host: string; port: number; useTLS: false };
  /** Of the process that runs now; another one after `restart`. */
  readonly pid: number;
  /** SIGTERM: clients are told 4200 and sent away. Resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same application, ending it first if it runs. */
  restart(): Promise<void>;
}

/**
 * Starts a Soketi and waits until it answers. `webhooks` is the URL told of occupied and vacated channels; `tasksOnly`
 * lets clients enter the channels of tasks only, as in the local stack.
 */
export async function startSoketi(
  options: { webhooks?: string; port?: number; userSignIn?: boolean; tasksOnly?: boolean } = {},
): Promise<TestSoketi> {
  const node = findNode20();
  if (node === null) throw new Error('Soketi needs Node 20 here. Run "npm test", which brings it.');
  const folder = mkdtempSync(join(tmpdir(), 'inloop-soketi-'));
  const app = createPusherApp();
  // Ours also while it is killed and not yet restarted.
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
