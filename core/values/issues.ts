/**
 * Cuts the issues of an input (what is wrong with it, and where) to a size that an answer and a log line can hold. It serves
 * `parse.ts` and the worker, which get issues from schemas, and the router, which also gets errors that an application made.
 */

import type { Issue } from '../error.ts';
import { MAX_ISSUE_BYTES, MAX_ISSUES } from '../limits.ts';
import { cut, utf8Length } from './text.ts';

const MAX_PATH_PARTS = 32;
const MAX_KEY_LENGTH = 100;
const MAX_MESSAGE_LENGTH = 200;

/** An issue as a Standard Schema reports it: each part of the path is a key, or an object with a key. */
interface ReportedIssue {
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly message: string;
}

/**
 * The first of `issues`, each cut: at most 100, and together at most 16 KiB of JSON, but always at least one. Without limits,
 * a small input could have an issue for each of its bytes. Never throws: if an issue cannot be read, the list ends before it.
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
    // An issue that an application made may be anything, even something that throws when it is read.
  }
  return kept;
}

function toKey(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : cut(String(key), MAX_KEY_LENGTH);
}
