// pusher-js as it works in networks that let only some of its transports through. For pages that a test opens in Node.
import { Pusher } from './pusher-class.ts';

type PusherOptions = NonNullable<ConstructorParameters<typeof Pusher>[1]>;
type Transport = NonNullable<PusherOptions['enabledTransports']>[number];

/** By what a network lets through: everything, no WebSockets, or nothing but short answers. */
export type Network = 'websocket' | 'streaming' | 'polling';

const LETS_THROUGH: Readonly<Record<Network, readonly Transport[]>> = {
  websocket: ['ws', 'wss', 'xhr_streaming', 'xhr_polling'],
  streaming: ['xhr_streaming', 'xhr_polling'],
  polling: ['xhr_polling'],
};

/** A Pusher class for pages in that network. @throws Error if the network lets none of the wanted transports through */
export function pusherBehind(network: Network): typeof Pusher {
  return class extends Pusher {
    constructor(key: string, options: PusherOptions) {
      const wanted = options.enabledTransports ?? LETS_THROUGH.websocket;
      const enabledTransports = wanted.filter((transport) => LETS_THROUGH[network].includes(transport));
      if (enabledTransports.length === 0)
        throw new Error(`A network that lets ${network} through lets none of ${wanted} through.`);
      super(key, { ...options, enabledTransports });
    }
  };
}
