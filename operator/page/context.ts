/** What a view gets from the page, and what the page wants of a view. */

import type { Act, ActTarget } from '../../core/operator/acts.ts';
import type { OperatorSession } from '../../core/operator/calls.ts';
import type { Overview } from '../../core/operator/overview.ts';
import type { Api } from './api.ts';

export interface Context {
  readonly api: Api;
  readonly session: OperatorSession;
  /** The latest overview; null until the first one has come. */
  getOverview(): Overview | null;
  /** Opens the dialog of an act. Does nothing for an act that this operator may not do. */
  act(act: Act, target: ActTarget): void;
  /** Whether this operator may do an act. */
  mayAct(act: Act): boolean;
  /** Goes to an address of this page. */
  go(href: string): void;
  /** Says a text to screen readers. */
  announce(text: string): void;
}

/** One of the page's views. */
export interface View {
  /** What it is called, for the title of the page. */
  readonly name: string;
  readonly element: HTMLElement;
  /** The task that it shows, for the live stream. */
  readonly taskId?: string;
  /** What it shows changes with time alone, of which the stream tells nothing: it is fetched every few seconds. */
  readonly changesWithTime?: boolean;
  /** Fetches what it shows, and shows it. Throws CallError. */
  refresh(): Promise<void>;
  /** There is another overview. */
  showOverview?(overview: Overview): void;
}
