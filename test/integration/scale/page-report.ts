// What a page of the scale test tells the test: clients.ts writes it, world.ts reads it.
import type { Snapshot } from '../../../core/tasks/snapshot.ts';
import type { Network } from '../../support/bus/network.ts';

/** What a page shows and has shown. */
export interface PageReport {
  readonly user: string;
  readonly kind: Network;
  /** The status of the feed's connection. */
  readonly connection: string;
  /** What is shown now. */
  readonly tasks: readonly Pick<Snapshot, 'id' | 'status' | 'revision'>[];
  /** How often each task went from not ended to ended on this page. */
  readonly shownAsEnded: Readonly<Record<string, number>>;
  /** Steps back, and bars that were full before the outcome. */
  readonly wrong: readonly string[];
}
