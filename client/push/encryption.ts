/**
 * What an encrypted channel needs beyond pusher-js: a cipher, and care when the key changes. `pusher.ts` loads this file
 * for encrypted channels only, so that other pages need not download it.
 *
 * After a change of the key pusher-js cannot read the next event. It asks for the channel's key again, tries the event once
 * more, and drops it if that fails too. Here all events of that time share one answer, and the feed fetches what may have
 * been dropped.
 */

import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import type { Authorizer, Options } from './pusher-class.ts';

/** Events within this time share one answer, in milliseconds. While two keys are in use, each event would send a request. */
const KEEP = 2_000;

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

  /** A subscribed connection asks again only when it could not read an event. */
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
            // A copy, since pusher-js deletes the key from the object it gets.
            callback(null, { ...signed } as { auth: string });
          },
          (error) => callback(error, null),
        );
      },
    },
  } as Options;
}
