// What world.ts tells a process of pages (page.ts), and what that answers.
import type { Snapshot } from '../../../../core/tasks/snapshot.ts';
import type { Network } from '../../../support/bus/network.ts';

export interface PageOptions {
  /** Of the server that the page asks. */
  readonly url: string;
  readonly user: string;
  readonly network: Network;
}

/** A state of a task as a page has shown it. */
export interface Shown extends Pick<Snapshot, 'status' | 'revision'> {
  readonly done: number;
}

export interface PageReport {
  readonly user: string;
  /** The status of the feed's connection now. */
  readonly connection: string;
  /** By the ids of tasks: every state that was shown, in that order. */
  readonly shown: Readonly<Record<string, readonly Shown[]>>;
}
