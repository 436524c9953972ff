// Where Soketi listens, for whom, and what happens when a port is taken. Serves preload.cjs.
'use strict';

const { isIPv4 } = require('node:net');
const { maxFrameBytes } = require('./sizes.cjs');

/** Of uWebSockets: without it a port is shared (SO_REUSEPORT), and each process gets some of the connections. */
const LISTEN_EXCLUSIVELY = 1;

/** Lets one process alone have its port, and says so when it cannot. @param {any} Server */
function hardenListening(Server) {
  const prototype = Server.prototype;
  const { configureMetricsServer, configureWebsockets, setOptions } = prototype;

  /** @this {any} @param {object} [given] */
  prototype.setOptions = function noteHosts(given = {}) {
    this.hasMetricsHost ||= Object.keys(given).some((key) => key === 'metrics' || key === 'metrics.host');
    return setOptions.call(this, given);
  };

  /** @this {any} @param {any} app */
  prototype.configureWebsockets = function listenAlone(app) {
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
  prototype.configureMetricsServer = function listenInside(app) {
    const { metrics } = this.options;
    // What it tells is for operators: whoever wants it from outside says so.
    if (!this.hasMetricsHost) metrics.host = '127.0.0.1';
    listenExclusively(this, app, (/** @type {number} */ port) => {
      const what = `Could not listen on port ${port}, for /usage and /metrics: it is taken. Set SOKETI_METRICS_SERVER_PORT.`;
      console.error(what);
      // Several Soketis of one machine are often left at the default port, by people who never ask there.
      if (metrics.enabled) process.exit(1);
    });
    app.get(this.url('/accept-traffic'), (/** @type {any} */ res) => this.httpHandler.acceptTraffic(res));
    return configureMetricsServer.call(this, app);
  };
}

/**
 * @param {any} server a Soketi
 * @param {any} app of uWebSockets
 * @param {(port: number) => void} onTaken
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

/** Keeps cluster discovery and what is for operators from where everybody comes by. @param {any} Server */
function hideInside(Server) {
  const prototype = Server.prototype;
  const { configureDiscovery, configureHttp } = prototype;

  /** @this {any} */
  prototype.configureDiscovery = function listenOnOwnHost() {
    const { adapter, cluster, host } = this.options;
    const address = host === 'localhost' || host === '::1' ? '127.0.0.1' : host;
    // cluster.hostname is only a name; the address that discovery binds to has a field that no setting reaches.
    // The cluster adapter needs the broadcasts, which a socket with an address of its own does not get.
    if (adapter.driver !== 'cluster' && isIPv4(address)) cluster.address = address;
    return configureDiscovery.call(this);
  };

  /** @this {any} @param {any} app */
  prototype.configureHttp = function answerLess(app) {
    const { get } = app;
    const inside = this.url('/accept-traffic');
    // It tells how full the memory is: for operators, so it is answered where /usage is.
    app.get = (/** @type {string} */ path, /** @type {Function} */ handler) =>
      path === inside ? app : get.call(app, path, handler);
    return configureHttp.call(this, app);
  };
}

module.exports = { hardenListening, hideInside };
