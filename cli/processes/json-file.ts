// Small JSON files that one process writes and several read. For the state folder of a stack and the report of Jest.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Reads a file; null if it is missing or not JSON. Its shape is not checked: only the stack and Jest write these files. */
export function readJsonFile<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

/**
 * Replaces the file in one step: a reader sees the old content or the new one, never a part. Other users of the machine
 * cannot read it.
 */
export function writeJsonFile(path: string, content: unknown): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}
