/**
 * What an encrypted channel needs beyond pusher-js: a cipher, and care when the key is changed. `pusher.ts` loads this
 * file for such a channel and for no other, so that nobody else pays for it.
 *
 * After a change of key pusher-js cannot read the next event, asks for the channel's key again, tries the event once
 * more, and drops it where that did not help. Here all events that come meanwhile get the one answer, and what may
 * have been dropped is fetched.
 */

import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import type { Authorizer, Options } from './pusher-class.ts';

/** For so long one answer is good for every event, in ms: while two keys are in use it would be one request an event. */
const KEEP = 2_000;

/** The part of NaCl that pusher-js asks for: `open` gives null for what another key has closed. */
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
 * @param watch called when events come that cannot be read; what it returns is called when they may have been lost
 */
export function encrypt(options: Options, watch: () => () => void): Options {
  const { customHandler } = options.channelAuthorization as { customHandler: Authorizer };
  /** The connection that has the channel's key. */
  let entered: string | undefined;
  let answer: Promise<object> | undefined;
  let isMissing = false;

  const ask = (of: Parameters<Authorizer>[0]) =>
    new Promise<object>((resolve, reject) => {
      customHandler(of, (error, signed) => (error ? reject(error) : resolve(signed as object)));
    });

  /** Who has entered the channel asks again only because an event could not be read. */
  function renew(of: Parameters<Authorizer>[0]): Promise<object> {
    isMissing = !!answer;
    if (answer) return answer;
    answer = ask(of);
    const fetchMissed = watch();
    fetchMissed();
    setTimeout(() => {
      answer = undefined;
      if (isMissing) fetchMissed();
    }, KEEP);
    return answer;
  }

  return {
    ...options,
    nacl,
    channelAuthorization: {
      customHandler(of, callback) {
        (of.socketId === entered ? renew(of) : ask(of)).then(
          (signed) => {
            entered = of.socketId;
            // A copy, since pusher-js takes the key out of what it gets.
            callback(null, { ...signed } as { auth: string });
          },
          (error) => callback(error, null),
        );
      },
    },
  } as Options;
}
