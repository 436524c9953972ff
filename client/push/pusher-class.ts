/** The types of pusher-js, as far as inloop uses it. `pusher.ts` describes how pusher-js behaves. */

import type { Options } from 'pusher-js';
import { isObject } from '../parse.ts';

export type { Options };

/** The part of pusher-js that inloop uses. The class that pusher-js exports fits. */
export type PusherClass = new (key: string, options: Options) => PusherLike;

/** What inloop uses of a connection of pusher-js. */
export interface PusherLike {
  readonly connection: {
    // biome-ignore lint/suspicious/noExplicitAny: pusher-js declares `Function`; each handler below checks what it gets
    bind(event: string, callback: (data: any) => void): unknown;
    /** The open connection, with the name of its transport: `ws`, `xhr_streaming` or `xhr_polling`. */
    readonly connection?: { readonly transport?: { readonly name?: string } } | null;
  };
  connect(): void;
  disconnect(): void;
  subscribe(channel: string): {
    // biome-ignore lint/suspicious/noExplicitAny: see above
    bind_global(callback: (event: string, data: any) => void): unknown;
  };
}

/** `Pusher` itself, or the module that holds it (some bundlers and TypeScript settings give that). */
export type PusherSource = PusherClass | { readonly default: PusherSource };

/** How pusher-js asks for a channel to be authorized. */
export type Authorizer = NonNullable<
  Extract<Options['channelAuthorization'], { customHandler: unknown }>
>['customHandler'];

/** The class in `source`, or undefined. */
export function findPusher(source: unknown): PusherClass | undefined {
  if (typeof source === 'function') return source as PusherClass;
  return isObject(source) ? findPusher(source.default) : undefined;
}
