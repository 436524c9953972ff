/**
 * The names of the Redis keys that the operator's page uses. It serves all that read or write them from TypeScript. Scripts write
 * most of them: the table in `index-scripts.ts` says what these hold.
 */

import type { Status } from '../../core/tasks/snapshot.ts';

/** An hour, in ms. Counts are kept by the hour. */
export const HOUR_MS = 3_600_000;

/** The keys of one installation: all begin with its prefix. */
export class OperatorKeys {
  /** Exists while the page is mounted. */
  readonly mounted: string;
  /** The names of all definitions in the index. */
  readonly names: string;
  /** A number that grows with each change of the index. */
  readonly version: string;
  /** How many events were sent to the bus, by the hour. */
  readonly sent: string;
  /** A text: how far the tasks that were stored before the page was mounted are indexed (mounting.ts). */
  readonly indexed: string;
  /** A list: what operators have done, the newest first (audit-log.ts). */
  readonly audit: string;

  /** @param prefix before every key, for example `inloop:` */
  constructor(prefix: string) {
    this.mounted = `${prefix}operator`;
    this.names = `${this.mounted}:names`;
    this.version = `${this.mounted}:version`;
    this.sent = `${this.mounted}:sent`;
    this.indexed = `${this.mounted}:indexed`;
    this.audit = `${this.mounted}:audit`;
  }

  /** The ids of the tasks of definition `name` that have this status. */
  tasks(name: string, status: Status): string {
    return `${this.mounted}:of:${name}:${status}`;
  }

  /** How many tasks of definition `name` ended in an hour. @param hour counted from 1970 */
  ended(name: string, hour: number): string {
    return `${this.mounted}:ended:${name}:${hour}`;
  }

  /** When the last tasks of definition `name` that ran began and ended. */
  runs(name: string): string {
    return `${this.mounted}:runs:${name}`;
  }

  /** A text: the preview of an act (operator/acts/preview-store.ts). */
  preview(token: string): string {
    return `${this.mounted}:preview:${token}`;
  }
}
