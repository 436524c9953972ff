/**
 * The parts of one feed. `connect-tasks.ts` makes them; the functions of `requests/`, `rounds/run-round.ts` and
 * `page-signals.ts` work with them. Each of these functions names in its first parameter the parts that it uses.
 */

import type { ServerClock } from '../clock.ts';
import type { Http } from '../http.ts';
import type { Tabs } from '../tabs/tabs.ts';
import type { BusConnection } from './bus-connection.ts';
import type { Machine } from './machine.ts';
import type { CheckedOptions } from './options.ts';
import type { Ready } from './ready.ts';
import type { Commands } from './requests/commands.ts';
import type { SeenOutbox } from './requests/seen-outbox.ts';
import type { Rounds } from './rounds/rounds.ts';
import type { Shown } from './shown.ts';

export interface FeedParts extends CheckedOptions, Machine {
  readonly http: Http;
  readonly clock: ServerClock;
  readonly shown: Shown;
  readonly ready: Ready;
  readonly commands: Commands;
  readonly outbox: SeenOutbox;
  readonly bus: BusConnection;
  readonly tabs: Tabs;
  readonly rounds: Rounds;
  /** Asks the server who is signed in, because somebody else may have signed in. Never rejects. */
  readonly checkUser: () => Promise<void>;
  /** Ids of tasks whose whole result is being fetched. */
  readonly loading: Set<string>;
}
