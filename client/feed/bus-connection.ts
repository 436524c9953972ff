/**
 * The feed's connection to the bus, and what is read from it. There is one connection at a time: whatever an earlier one still
 * says is ignored. Snapshots that are pushed within one frame are received together.
 */

import type { Snapshot } from '../../core/tasks/snapshot.ts';
import { type ConnectionInfo, DISMISSED_EVENT, SEEN_EVENT, SESSION_EVENT } from '../../core/wire.ts';
import type { Http } from '../http.ts';
import { isObject, parseIds, parseSnapshot } from '../parse.ts';
import { createLink, type Link } from '../push/link.ts';
import { createPush } from '../push/pusher.ts';
import { PUSH_FRAME } from './limits.ts';
import type { CheckedOptions } from './options.ts';
import { expectValid } from './rounds/resync.ts';
import type { Dispatch } from './state/reduce.ts';

export interface BusConnectionOptions extends Pick<CheckedOptions, 'Pusher' | 'timing'> {
  /** Asks our server to sign the subscription. */
  readonly http: Pick<Http, 'authorize'>;
  /** Is told what the bus says, as events of the state machine. */
  readonly dispatch: Dispatch;
  /** Is called when a session of the user has ended somewhere. */
  readonly checkUser: () => void;
}

export interface BusConnection {
  /** Connects, in place of any other connection. */
  connect(connection: ConnectionInfo): void;
  /** Calls this method of the link, if there is one. */
  moveLink(how: keyof Link): void;
  /** Reads an event of the bus. @param data not yet checked */
  read(name: string, data: unknown): void;
  /** Ends the connection, and drops the pushed snapshots that wait. */
  drop(): void;
}

/** Connects to nothing until `connect` is called. */
export function createBusConnection({ http, dispatch, checkUser, ...options }: BusConnectionOptions): BusConnection {
  const { timing } = options;
  let link: Link | undefined;
  /** Pushed snapshots that wait for the end of the frame. */
  const pushed: Snapshot[] = [];
  /** When snapshots were last handed on; by `timing.now()`. */
  let receivedAt = 0;
  /** The timer that hands the waiting snapshots on; undefined while none waits. */
  let frame: unknown;

  function read(name: string, data: unknown): void {
    const snapshot = parseSnapshot(data);
    const named = parseIds(data);
    if (name === SESSION_EVENT) checkUser();
    else if (name === DISMISSED_EVENT && named) dispatch('dismissed', named.ids);
    else if (name === SEEN_EVENT && named?.seenAt) dispatch('seen', named.ids, named.seenAt);
    else if (snapshot) {
      pushed.push(snapshot);
      frame ??= timing.setTimeout(receive, receivedAt + PUSH_FRAME - timing.now());
    } else dispatch('unreadable', name);
  }

  function receive(): void {
    frame = undefined;
    receivedAt = timing.now();
    dispatch('received', pushed.splice(0));
  }

  /** Ends the connection. @param next the one that takes its place */
  function replace(next?: Link): void {
    const before = link;
    link = next;
    before?.pause();
  }

  return {
    connect(connection) {
      const authorize = async (socketId: string, channel: string) => {
        const { body } = await http.authorize(connection.authEndpoint, socketId, channel);
        return expectValid(isObject(body) ? body : null);
      };
      const own: Link = createLink({
        timing,
        createPush: (handlers) => createPush({ ...options, connection, authorize, handlers }),
        onEvent: (name, data) => own === link && read(name, data),
        onChange: (state) => own === link && dispatch('linkChanged', state),
      });
      replace(own);
      own.start();
    },
    moveLink: (how) => link?.[how](),
    read,
    drop() {
      replace();
      pushed.splice(0);
      timing.clearTimeout(frame);
      frame = undefined;
    },
  };
}
