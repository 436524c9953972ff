/** Removes a file that is still being written. For refused uploads and unfinished CSV files. */

import type { WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';

/**
 * Closes the stream, then removes its file. It waits for the stream to be closed: a stream that is still opening would create
 * its file after the removal, and the file would stay for ever.
 */
export async function removeUnfinished(stream: WriteStream): Promise<void> {
  const { path } = stream;
  stream.destroy();
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', resolve));
  await rm(path, { force: true });
}
