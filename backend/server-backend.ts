/**
 * What a task server needs of a backend, and nothing else. `Backend` has it with Redis and the bus. The memory backend of
 * `inloop/testing` has it without them.
 */

import { isObject } from '../core/values/options.ts';
import type { Clock } from './clock.ts';
import type { Emitter } from './events/events.ts';
import type { Log } from './log/log.ts';
import type { Bus } from './push/bus/bus.ts';
import type { PusherOptions } from './push/bus/pusher-env.ts';
import type { Publisher } from './push/publisher.ts';
import type { Sweeper } from './recovery/sweeper.ts';
import type { Redis } from './store/redis.ts';
import type { TaskStore } from './store/store.ts';
import type { TaskChanges } from './task-changes.ts';

/** The part of a backend that a task server uses. Its properties are for inloop itself: hand it to `createTaskServer`. */
export interface ServerBackend {
  /** @internal */ readonly store: Pick<TaskStore, 'read' | 'list' | 'withPlaces' | 'markWaited' | 'discard'>;
  /** @internal */ readonly changes: Pick<TaskChanges, 'create' | 'apply' | 'see' | 'dismiss' | 'clear' | 'forget'>;
  /** How long tasks are kept, who is watched, which tasks have changed, and what webhooks say. @internal */
  readonly redis: Pick<Redis, 'retention' | 'onChange' | 'noteWatched' | 'noteWebhook'>;
  /** @internal */ readonly clock: Pick<Clock, 'iso' | 'ready'>;
  /** @internal */ readonly bus: Pick<
    Bus,
    'authorize' | 'authorizeUser' | 'endConnections' | 'isEncrypted' | 'isOccupied' | 'looksSigned' | 'readWebhook'
  >;
  /** @internal */ readonly publisher: Pick<Publisher, 'isDown' | 'publishSessionEnd'>;
  /** @internal */ readonly sweeper: Pick<Sweeper, 'start' | 'addDefinitions'>;
  /** @internal */ readonly pusher: PusherOptions;
  /** @internal */ readonly events: Emitter;
  /** @internal */ readonly log: Log;
  /** The channel on which `owner`'s tasks are pushed. @internal */
  channelOf(owner: string): string;
  /** Resolves when what waits has been pushed, or after 5.5 s. */
  flush(): Promise<void>;
}

/** Whether `value` is a backend that a task server can use, of this copy of the package or another one. @internal */
export function isServerBackend(value: unknown): value is ServerBackend {
  return isObject(value) && 'store' in value && 'publisher' in value;
}
