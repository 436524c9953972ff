/**
 * Faults of an input, cut to what an answer and a log line can hold. It serves whoever makes such faults (`parse.ts`) and
 * the router, which is also given errors that an application made.
 */

import type { Issue } from './error.ts';
import { MAX_ISSUE_BYTES, MAX_ISSUES } from './limits.ts';
import { cut, utf8Length } from './text.ts';

const MAX_PATH_PARTS = 32;
const MAX_KEY_LENGTH = 100;
const MAX_MESSAGE_LENGTH = 200;

/** As a Standard Schema reports it: a part of the path is a key, or an object that holds one. */
interface ReportedIssue {
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly message: string;
}

/**
 * The first of `issues`, each cut: at most 100, and at most 16 KiB of JSON together, but always the first. A small input
 * may have a fault for each of its bytes. Never throws; where one cannot be read, the ones before it are given.
 */
export function cutIssues(issues: readonly ReportedIssue[]): Issue[] {
  const kept: Issue[] = [];
  let bytes = 0;
  try {
    for (const { path = [], message } of issues.slice(0, MAX_ISSUES)) {
      const issue = {
        path: path.slice(0, MAX_PATH_PARTS).map((part) => toKey(typeof part === 'object' ? part.key : part)),
        message: cut(String(message), MAX_MESSAGE_LENGTH),
      };
      bytes += utf8Length(JSON.stringify(issue));
      if (bytes > MAX_ISSUE_BYTES && kept.length > 0) break;
      kept.push(issue);
    }
  } catch {
    // An error that an application made may hold anything.
  }
  return kept;
}

function toKey(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : cut(String(key), MAX_KEY_LENGTH);
}
