/** The names of the keys of the operator's page. `index-scripts.ts` explains those that scripts write. */

import type { Status } from '../../core/tasks/snapshot.ts';

/** An hour, in ms. Counts are kept by the hour. */
export const HOUR_MS = 3_600_000;

export class OperatorKeys {
  /** Exists while the page is mounted. */
  readonly mounted: string;
  readonly names: string;
  readonly version: string;
  readonly sent: string;
  /** How far the tasks that were stored before are indexed (mounting.ts). */
  readonly indexed: string;
  /** What operators have done, the newest first. */
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

  /** @param name of a definition */
  of(name: string, status: Status): string {
    return `${this.mounted}:of:${name}:${status}`;
  }

  /** @param hour since 1970 */
  ended(name: string, hour: number): string {
    return `${this.mounted}:ended:${name}:${hour}`;
  }

  runs(name: string): string {
    return `${this.mounted}:runs:${name}`;
  }

  /** What an operator was shown before an act. */
  preview(token: string): string {
    return `${this.mounted}:preview:${token}`;
  }
}
