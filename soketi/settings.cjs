// The environment variables that make a Soketi safe, and give it the limits of hosted Pusher. For every start of a hardened
// Soketi: command.ts uses them, docker-compose.yml repeats them, test/repository/compose.test.ts compares.
'use strict';

/**
 * The limits of hosted Pusher, so that what works here works there, too. Also how webhooks are sent, and how Soketi ends.
 * @type {Readonly<Record<string, string>>}
 */
const SAFE_SETTINGS = {
  SOKETI_EVENT_MAX_SIZE_IN_KB: '10',
  SOKETI_EVENT_MAX_BATCH_SIZE: '10',
  SOKETI_EVENT_MAX_CHANNELS_AT_ONCE: '100',
  SOKETI_EVENT_MAX_NAME_LENGTH: '200',
  SOKETI_CHANNEL_LIMITS_MAX_NAME_LENGTH: '164',
  // One webhook request for all channels that change within 50 ms, because after an outage all pages reconnect at once.
  SOKETI_WEBHOOKS_BATCHING: 'true',
  // Milliseconds. Short, because a Soketi that shuts down accepts connections and closes them at once: clients then reconnect in a
  // tight loop.
  SOKETI_SHUTDOWN_GRACE_PERIOD: '50',
};

/**
 * Lets clients enter only the channels of tasks, as core/channel.ts names them. Without these settings, anybody who knows
 * the public key can enter any number of made-up channels.
 * @type {Readonly<Record<string, string>>}
 */
const TASK_CHANNELS_ONLY = {
  INLOOP_SOKETI_CHANNELS: 'private-user-* private-encrypted-user-*',
  // Channels of one connection at once. A page needs one.
  INLOOP_SOKETI_SUBSCRIPTIONS: '20',
};

/**
 * Binds every listener to `host`. The metrics server and cluster discovery listen on every interface unless told
 * otherwise, even when nobody uses them.
 *
 * @param {string} host an IPv4 address
 * @returns {Record<string, string>}
 */
function listenOn(host) {
  return {
    SOKETI_HOST: host,
    SOKETI_METRICS_HOST: host,
    SOKETI_CLUSTER_HOST: host,
    SOKETI_CLUSTER_BROADCAST_ADDRESS: host,
  };
}

module.exports = { listenOn, SAFE_SETTINGS, TASK_CHANNELS_ONLY };
