// Other users of the same machine try to read the stack's files and its Redis.
import { lstatSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Kind } from '../kind.ts';

export const atRest: Kind = {
  name: 'files and Redis on the same machine',
  why: 'credentials, inputs and contacts, without asking the server',
  success: 'a file or folder that others may open; a Redis that answers without a password',
  async run({ demo }, tally) {
    const walk = (path: string): void => {
      const info = lstatSync(path);
      const mode = info.mode & 0o777;
      tally.attempt(
        `${path.slice(demo.stack.dir.length) || 'the folder'} is ${mode.toString(8)}`,
        (mode & 0o077) !== 0,
      );
      if (info.isDirectory()) for (const name of readdirSync(path)) walk(join(path, name));
    };
    walk(demo.stack.dir);
    for (const command of ['PING', 'KEYS *', 'CONFIG GET *', 'FLUSHALL ASYNC', 'AUTH x', 'AUTH default x', 'HELLO 3']) {
      // FLUSHALL would delete everything, so it is left out if anything has got through before.
      if (command.startsWith('FLUSHALL') && tally.through > 0) continue;
      const said = await ask(demo.stack.services().redis?.port ?? 0, command);
      tally.attempt(`Redis says ${JSON.stringify(said.slice(0, 40))} to ${command}`, !said.startsWith('-'));
    }
  },
};

/** Sends a command to Redis and returns the beginning of its answer. A refusal begins with `-`, as do the texts for no answer. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(`${command}\r\n`));
    const done = (text: string): void => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(2_000, () => done('-no answer'));
    socket.once('data', (data) => done(data.toString()));
    socket.once('error', () => done('-no connection'));
  });
}
