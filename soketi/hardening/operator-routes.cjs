// Moves the route /accept-traffic from the public port to the port of /usage and /metrics. Its answer tells how full the
// memory is, which only operators should know.
'use strict';

/** @param {any} Server Soketi's class */
function hardenOperatorRoutes(Server) {
  const prototype = Server.prototype;
  const { configureHttp, configureMetricsServer } = prototype;

  /** @this {any} @param {any} app */
  prototype.configureHttp = function skipAcceptTraffic(app) {
    const { get } = app;
    const hidden = this.url('/accept-traffic');
    app.get = (/** @type {string} */ path, /** @type {Function} */ handler) =>
      path === hidden ? app : get.call(app, path, handler);
    return configureHttp.call(this, app);
  };

  /** @this {any} @param {any} app */
  prototype.configureMetricsServer = function addAcceptTraffic(app) {
    app.get(this.url('/accept-traffic'), (/** @type {any} */ res) => this.httpHandler.acceptTraffic(res));
    return configureMetricsServer.call(this, app);
  };
}

// `methods`: the methods of Soketi that this file uses. preload.cjs checks at start that they exist.
module.exports = {
  methods: { HttpHandler: ['acceptTraffic'], Server: ['configureHttp', 'configureMetricsServer', 'url'] },
  hardenOperatorRoutes,
};
