/**
 * The probe: a second connection that tries a WebSocket while push is up, or is being tried, over HTTP. `transport.ts` lets it
 * replace the first connection once it is subscribed.
 */

import { growingWait } from '../../core/values/backoff.ts';
import type { Timing } from '../environment.ts';
import { FIRST_PROBE, PROBE_LIMIT, SLOWEST_PROBE } from './limits.ts';
import type { PusherLike } from './pusher-class.ts';

export interface Probe {
  /** Tries a WebSocket now. */
  start(): void;
  /** Tries a WebSocket again and again, each time after a longer wait. Does nothing where that is going on already. */
  repeat(): void;
  /** Ends the try, and all that would follow. @param startsOver whether the next `repeat` begins with the shortest wait */
  end(startsOver?: boolean): void;
  /** Whether `connection` is the one that is tried. If so, it is not ended any more: it has become the first connection. */
  handOver(connection: PusherLike): boolean;
}

/** @param create makes a connection over a WebSocket, or throws where the browser has none */
export function createProbe(create: () => PusherLike, timing: Timing): Probe {
  let tried: PusherLike | undefined;
  /** Starts the next try, or ends the one that is running. */
  let timer: unknown;
  /** How often the wait has grown. */
  let repeats = 0;

  function start(): void {
    try {
      tried = create();
      tried.connect();
    } catch {
      // This browser has no WebSocket.
    }
  }

  function end(startsOver?: boolean): void {
    timing.clearTimeout(timer);
    tried?.disconnect();
    timer = tried = undefined;
    if (startsOver) repeats = 0;
  }

  function plan(): void {
    const wait = growingWait(repeats++, FIRST_PROBE, SLOWEST_PROBE);
    timer = timing.setTimeout(
      () => {
        start();
        timer = timing.setTimeout(() => {
          end();
          plan();
        }, PROBE_LIMIT);
      },
      wait * (0.8 + 0.2 * timing.random()),
    );
  }

  return {
    start,
    repeat() {
      if (timer) return;
      end();
      plan();
    },
    end,
    handOver(connection) {
      if (connection !== tried) return false;
      tried = undefined;
      end();
      return true;
    },
  };
}
