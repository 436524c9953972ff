// Keeps several Soketi that are joined by Redis (SOKETI_ADAPTER_DRIVER=redis) running while Redis is away, as in a failover.
//
// Plain Soketi throws an exception that nobody catches when it publishes while Redis is away. It then wants to end, waits for
// an answer of Redis, and so stays: it accepts connections and answers none. A node that only listened meanwhile goes on as if
// nothing had happened, and its clients never learn that they missed what other nodes published.
//
// Here, what is published waits until Redis is back, for 30 s at most. When a node hears from Redis again, it closes its
// clients with code 4200, which means "connect again at once". Then they ask their application for what they missed.
'use strict';

/** How long the messages of this node may wait for Redis, in ms. After that the node ends, so that memory stays bounded. */
const LONGEST_OUTAGE_MS = 30_000;
/** Closing the clients takes this long for each, in ms, in random order: about 1,000 a second. */
const SPREAD_PER_CLIENT_MS = 1;

/** @param {any} RedisAdapter Soketi's class */
function hardenRedisAdapter(RedisAdapter) {
  const prototype = RedisAdapter.prototype;
  const { init } = prototype;

  /** @this {any} */
  prototype.init = async function initWithoutLoss() {
    const redis = this.server.options.adapter.redis;
    // No limit of retries: commands wait until Redis is back.
    redis.redisPubOptions = { maxRetriesPerRequest: null, ...redis.redisPubOptions };
    await init.call(this);
    endAfterLongOutage(this.pubClient);
    this.subClient.on('ready', () => void closeClients(this));
    return this;
  };

  /** @this {any} */
  prototype.disconnect = async function disconnectAtOnce() {
    // QUIT would wait for an answer of Redis, which may be away.
    this.subClient.disconnect();
    this.pubClient.disconnect();
  };
}

/** @param {any} client of Redis */
function endAfterLongOutage(client) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  client.on('close', () => {
    timer ??= setTimeout(() => {
      console.error(`Redis (SOKETI_DB_REDIS_…) has been away for ${LONGEST_OUTAGE_MS / 1_000} s. Soketi ends.`);
      process.exit(1);
    }, LONGEST_OUTAGE_MS).unref();
  });
  client.on('ready', () => {
    clearTimeout(timer);
    timer = undefined;
  });
}

/** @param {any} adapter */
async function closeClients(adapter) {
  for (const namespace of adapter.getNamespaces().values()) {
    const sockets = [...(await namespace.getSockets()).values()];
    for (const socket of sockets)
      setTimeout(() => close(socket), Math.random() * sockets.length * SPREAD_PER_CLIENT_MS);
  }
}

/** @param {any} socket */
function close(socket) {
  try {
    const data = { code: 4200, message: 'Messages may have been lost. Please connect again.' };
    socket.sendJson({ event: 'pusher:error', data });
    socket.end(4200);
  } catch {
    // It was closed meanwhile.
  }
}

// `methods`: the methods of Soketi that this file uses. preload.cjs checks at start that they exist.
module.exports = {
  methods: { RedisAdapter: ['init', 'disconnect', 'getNamespaces'] },
  hardenRedisAdapter,
};
