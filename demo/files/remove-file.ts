/** Takes a file off the disk that is still being written. For uploads that are refused and drafts that are given up. */

import type { WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';

/**
 * Ends the stream and removes its file, whatever state it is in. One that was not even opened yet would make its file
 * after the removal, and the file would stay for ever.
 */
export async function removeUnfinished(stream: WriteStream): Promise<void> {
  const { path } = stream;
  stream.destroy();
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', resolve));
  await rm(path, { force: true });
}
