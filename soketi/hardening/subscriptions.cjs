// Which channels a client of Soketi may enter, and how many at once. Serves frames.cjs.
//
// Every browser knows the key of an application, and with that key it can enter any public channel. Each made-up channel
// costs memory here, a webhook call, and a key in the store behind the webhook. Two settings prevent that. Both are off
// unless set, because other applications on the same Soketi may use any channel:
//   INLOOP_SOKETI_CHANNELS       names that may be entered, separated by spaces; `*` stands for any characters
//   INLOOP_SOKETI_SUBSCRIPTIONS  how many channels one connection may be in at once
'use strict';

/** Characters of channel names, and `*`. */
const PATTERN = /^[-a-zA-Z0-9_=@,.;#*]+$/;

/**
 * @typedef {object} SubscriptionLimits
 * @property {(channel: string) => boolean} isAllowed
 * @property {number} max channels of one connection; Infinity if nothing is set
 */

/**
 * Reads both settings.
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {SubscriptionLimits}
 * @throws Error naming the variable that is wrong; preload.cjs prints its message and ends the process
 */
function readSubscriptionLimits(env) {
  const patterns = (env.INLOOP_SOKETI_CHANNELS ?? '').split(/\s+/).filter(Boolean);
  for (const pattern of patterns) {
    if (PATTERN.test(pattern)) continue;
    throw new Error(
      `INLOOP_SOKETI_CHANNELS must hold channel names separated by spaces, like "private-user-* news", got ${JSON.stringify(pattern)}.`,
    );
  }
  const expressions = patterns.map(
    (pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll(/\*+/g, '.*')}$`),
  );
  const limit = env.INLOOP_SOKETI_SUBSCRIPTIONS?.trim() || null;
  if (limit !== null && !/^[1-9]\d{0,8}$/.test(limit)) {
    throw new Error(`INLOOP_SOKETI_SUBSCRIPTIONS must be a whole number of at least 1, got ${JSON.stringify(limit)}.`);
  }
  return {
    isAllowed: (channel) => expressions.length === 0 || expressions.some((expression) => expression.test(channel)),
    max: limit === null ? Number.POSITIVE_INFINITY : Number(limit),
  };
}

/**
 * The channels that each client has asked to be in.
 *
 * Soketi's own list (`ws.subscribedChannels`) comes too late: with the Redis adapter, it contains a presence channel only
 * after other nodes have answered. A thousand frames sent at once would all be let in before the first is counted.
 */
class Subscriptions {
  /** @type {WeakMap<object, Set<string>>} */
  #channels = new WeakMap();
  /** @type {SubscriptionLimits} */
  #limits;

  /** @param {SubscriptionLimits} limits */
  constructor(limits) {
    this.#limits = limits;
  }

  /**
   * Notes that a client enters a channel, if the client may.
   * @param {object} ws the client
   * @param {string} channel
   * @returns {null | 'again' | { type: string, error: string, status: number }} null if the client may enter; `again` if
   *   it has entered already; otherwise the data of a `pusher:subscription_error`
   */
  enter(ws, channel) {
    const channels = this.#channels.get(ws) ?? new Set();
    if (channels.has(channel)) return 'again';
    if (!this.#limits.isAllowed(channel)) {
      return { type: 'AuthError', error: 'No application here has a channel of this name.', status: 403 };
    }
    const { max } = this.#limits;
    if (channels.size >= max) {
      return { type: 'LimitReached', error: `A connection may be in ${max} channels at once.`, status: 4100 };
    }
    channels.add(channel);
    this.#channels.set(ws, channels);
    return null;
  }

  /**
   * Notes that a client leaves a channel, or that Soketi did not let it in.
   * @param {object} ws the client
   * @param {string} channel
   * @returns {boolean} whether the client was in the channel
   */
  leave(ws, channel) {
    return this.#channels.get(ws)?.delete(channel) ?? false;
  }
}

module.exports = { readSubscriptionLimits, Subscriptions };
