// On which addresses Soketi listens, how large a frame it takes, and what it does when a port is taken.
//
// Plain Soketi shares a port that another process listens on: both processes report that they are up, and each gets some
// of the connections. Its metrics server and its cluster discovery listen on every interface, whatever host is set.
'use strict';

const { isIPv4 } = require('node:net');
const { maxFrameBytes } = require('./sizes.cjs');

/** An option of uWebSockets. Without it several processes can listen on one port (SO_REUSEPORT). */
const LISTEN_EXCLUSIVELY = 1;

/** @param {any} Server Soketi's class */
function hardenListening(Server) {
  const prototype = Server.prototype;
  const { configureDiscovery, configureMetricsServer, configureWebsockets, setOptions } = prototype;

  /** @this {any} @param {object} [given] */
  prototype.setOptions = function noteMetricsHost(given = {}) {
    this.hasMetricsHost ||= Object.keys(given).some((key) => key === 'metrics' || key === 'metrics.host');
    return setOptions.call(this, given);
  };

  /** @this {any} @param {any} app */
  prototype.configureWebsockets = function limitFramesAndListenExclusively(app) {
    const { ws } = app;
    const maxPayloadLength = maxFrameBytes(this.options);
    app.ws = (/** @type {string} */ path, /** @type {object} */ behaviour) =>
      ws.call(app, path, { ...behaviour, maxPayloadLength });
    listenExclusively(this, app, (/** @type {number} */ port) => {
      console.error(`Could not listen on port ${port}: it is taken. End what listens there, or set SOKETI_PORT.`);
      process.exit(1);
    });
    return configureWebsockets.call(this, app);
  };

  /** @this {any} @param {any} app */
  prototype.configureMetricsServer = function listenOnLoopback(app) {
    const { metrics } = this.options;
    // Metrics are for operators. To read them from another machine, an operator sets SOKETI_METRICS_HOST.
    if (!this.hasMetricsHost) metrics.host = '127.0.0.1';
    listenExclusively(this, app, (/** @type {number} */ port) => {
      console.error(
        `Could not listen on port ${port}, for /usage and /metrics: it is taken. Set SOKETI_METRICS_SERVER_PORT.`,
      );
      // Metrics that nobody enabled are no reason to end: several Soketis on one machine often have the default port.
      if (metrics.enabled) process.exit(1);
    });
    return configureMetricsServer.call(this, app);
  };

  /** @this {any} */
  prototype.configureDiscovery = function listenOnOwnHost() {
    const { adapter, cluster, host } = this.options;
    const address = host === 'localhost' || host === '::1' ? '127.0.0.1' : host;
    // `cluster.hostname` is only a name. No setting reaches the address that discovery binds to, so it is set here.
    // Not for the cluster adapter: it needs broadcasts, which a socket bound to one address does not receive.
    if (adapter.driver !== 'cluster' && isIPv4(address)) cluster.address = address;
    return configureDiscovery.call(this);
  };
}

/**
 * Makes `app.listen` fail on a port that another process listens on, instead of sharing it.
 * @param {any} server a Soketi
 * @param {any} app of uWebSockets
 * @param {(port: number) => void} onTaken is called when the port is taken
 */
function listenExclusively(server, app, onTaken) {
  // pm2 runs several processes of one Soketi, which share the port on purpose.
  if (server.pm2) return;
  const { listen } = app;
  app.listen = (/** @type {string} */ host, /** @type {number} */ port, /** @type {Function} */ callback) =>
    listen.call(app, host, port, LISTEN_EXCLUSIVELY, (/** @type {unknown} */ socket) => {
      if (!socket) onTaken(port);
      callback(socket);
    });
}

// `methods`: the methods of Soketi that this file uses. preload.cjs checks at start that they exist.
module.exports = {
  methods: { Server: ['configureDiscovery', 'configureMetricsServer', 'configureWebsockets', 'setOptions'] },
  hardenListening,
};
