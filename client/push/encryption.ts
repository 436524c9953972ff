/**
 * What an encrypted channel needs beyond pusher-js: a cipher, and a way through a change of the key. `pusher.ts` loads this
 * file for encrypted channels only, so that other pages need not download it.
 *
 * After a change of the key pusher-js cannot read the next event. It asks for the channel's key again, tries to read the
 * event once more, and drops it if that fails too. Here all events within 2 s share one answer, and the feed fetches what
 * may have been dropped.
 */

import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { SHARED_FOR } from './limits.ts';
import type { Authorizer, Options } from './pusher-class.ts';

/** How pusher-js asks for an authorization: for which socket and channel. */
type Request = Parameters<Authorizer>[0];

/** The part of NaCl that pusher-js needs. `open` returns null for what was sealed with another key. */
const nacl = {
  secretbox: {
    overheadLength: 16,
    nonceLength: 24,
    open(sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | null {
      try {
        return xsalsa20poly1305(key, nonce).decrypt(sealed);
      } catch {
        return null;
      }
    },
  },
};

/**
 * `options` for an encrypted channel.
 * @param prepareFetch called when an event cannot be read; returns a function that fetches what may have been lost
 */
export function encrypt(options: Options, prepareFetch: () => () => void): Options {
  const { customHandler } = options.channelAuthorization as { customHandler: Authorizer };
  /** The socket id of the connection that has got the channel's key. */
  let authorizedSocket: string | undefined;
  /** The answer that events share now. */
  let answer: Promise<object> | undefined;
  /**
   * Whether an event shared an answer that was requested before the event came. The key in it may be older than the event.
   * Then pusher-js could not read the event and has dropped it.
   */
  let mayHaveDropped = false;

  const ask = (request: Request) =>
    new Promise<object>((resolve, reject) => {
      customHandler(request, (error, signed) => (error ? reject(error) : resolve(signed as object)));
    });

  /**
   * Asks for the key of a channel again. pusher-js does this only after an event that it could not read. What may have been
   * missed is fetched at once, and again after {@link SHARED_FOR} if an event may have been dropped meanwhile.
   */
  function renewKey(request: Request): Promise<object> {
    mayHaveDropped = !!answer;
    if (answer) return answer;
    answer = ask(request);
    // Prepared now, so that it does nothing if the connection is another one when the timer fires.
    const fetchMissed = prepareFetch();
    fetchMissed();
    setTimeout(() => {
      answer = undefined;
      if (mayHaveDropped) fetchMissed();
    }, SHARED_FOR);
    return answer;
  }

  return {
    ...options,
    nacl,
    channelAuthorization: {
      customHandler(request, callback) {
        (request.socketId === authorizedSocket ? renewKey(request) : ask(request)).then(
          (signed) => {
            authorizedSocket = request.socketId;
            // A copy, since pusher-js deletes the key from the object it gets.
            callback(null, { ...signed } as { auth: string });
          },
          (error) => callback(error, null),
        );
      },
    },
  } as Options;
}
