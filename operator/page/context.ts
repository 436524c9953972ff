/** What the page gives to each view, and what it asks of a view. */

import type { Act, ActTarget } from '../../core/operator/acts.ts';
import type { OperatorSession } from '../../core/operator/calls.ts';
import type { Overview } from '../../core/operator/overview.ts';
import type { Api } from './api.ts';

/** What a view gets. */
export interface Context {
  readonly api: Api;
  readonly session: OperatorSession;
  /** The latest overview; null until the first one has come. */
  getOverview(): Overview | null;
  /** Opens the dialog of an act. Does nothing for an act that this operator may not do. */
  act(act: Act, target: ActTarget): void;
  /** Whether this operator may do an act. */
  mayAct(act: Act): boolean;
  /** Opens the view at an address of this page. @param href relative, as `hrefOf` makes it */
  go(href: string): void;
  /** Says a text to screen readers. */
  announce(text: string): void;
}

/** One of the page's views. */
export interface View {
  /** The name of the view, for the title of the page and for screen readers. */
  readonly name: string;
  readonly element: HTMLElement;
  /** The task that the view shows. The live stream then tells of its revisions. */
  readonly taskId?: string;
  /** True if what the view shows also changes as time passes. The stream does not tell of that, so it is fetched every 5 s. */
  readonly changesWithTime?: boolean;
  /** Fetches what the view shows, and shows it. @throws CallError */
  refresh(): Promise<void>;
  /** Called with each new overview. */
  showOverview?(overview: Overview): void;
}
