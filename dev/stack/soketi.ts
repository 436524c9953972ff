// The Soketi of the local stack and of tests: hardened Soketi from this repository's packages, with every listener on
// loopback. The command itself is made by soketi/command.ts.
import { join } from 'node:path';
import type { Command } from '../../cli/processes/child.ts';
import { findFreePort, findFreeUdpPort, LOOPBACK } from '../../cli/processes/ports.ts';
import { type SoketiOptions as AnySoketiOptions, soketiCommand as commandOf } from '../../soketi/command.ts';
import { REPOSITORY } from '../paths.ts';

/** The file that hardens Soketi. `soketi/command.ts` would look beside itself, which fails where a script of ours is bundled. */
const PRELOAD = join(REPOSITORY, 'soketi', 'preload.cjs');

/** A second file for `node --require`, which lets `trouble.ts` disturb Soketi on purpose. */
const TROUBLE_PRELOAD = join(REPOSITORY, 'dev', 'trouble', 'trouble-preload.cjs');

/** Options of {@link soketiCommand}. */
export interface SoketiOptions
  extends Pick<AnySoketiOptions, 'node' | 'app' | 'port' | 'folder' | 'webhookUrl' | 'userSignIn' | 'tasksOnly'> {
  /** Whether `trouble.ts` may disturb this Soketi on purpose. */
  allowsTrouble?: boolean;
}

/** Makes the command that runs hardened Soketi on loopback. Soketi ends with exit code 1 if `port` is taken. */
export async function soketiCommand({ allowsTrouble = false, ...options }: SoketiOptions): Promise<Command> {
  const command = commandOf({
    ...options,
    server: join(REPOSITORY, 'node_modules', '@soketi', 'soketi', 'bin', 'server.js'),
    host: LOOPBACK,
    metricsPort: await findFreePort(),
    clusterPort: await findFreeUdpPort(),
    preloads: allowsTrouble ? [PRELOAD, TROUBLE_PRELOAD] : [PRELOAD],
  });
  return { ...command, takesMessages: allowsTrouble };
}
