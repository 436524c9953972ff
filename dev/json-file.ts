// Small JSON files that several processes read: written whole or not at all. For the stack's state folder.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** What the file holds, or null when it is missing or not JSON. Trusted: only the stack writes these files. */
export function readJsonFile<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

/**
 * Replaces the file in one step, so that a reader sees the old content or the new one and never half of it. Nobody else
 * on the machine can read it.
 */
export function writeJsonFile(path: string, content: unknown): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}
