// Hardens Soketi 1.6 against hostile clients and odd API calls, so that one of them cannot take it down for everybody.
//
// Used as `node --require soketi/preload.cjs …/soketi/bin/server.js start`. It needs only the files in hardening/, and
// changes nothing on disk. They replace a few methods of Soketi's classes before the server starts:
//   frames.cjs           refuses WebSocket frames of an unexpected shape, and channels that a client may not enter
//   api-bodies.cjs       refuses API bodies of an unexpected shape
//   api-answers.cjs      answers API calls with their true status, and keeps connections open
//   signature-age.cjs    refuses API calls that were signed more than ten minutes ago, or ahead of now
//   listening.cjs        refuses ports that are taken, frames that are too large, and to listen on every interface
//   operator-routes.cjs  moves a route for operators off the public port
//   redis-adapter.cjs    keeps several nodes running while the Redis that joins them is away
//   stopping.cjs         ends a Soketi that was told to stop, and does not
// end-with-parent.cjs ends Soketi with the process that started it, if that process asks for it.
// json.cjs, sizes.cjs and subscriptions.cjs serve them. settings.cjs, beside this file, is not loaded here: it holds the
// environment that a safe Soketi is started with. docs/soketi.md describes all of it.
'use strict';

const { realpathSync } = require('node:fs');
const { dirname, join } = require('node:path');
const apiAnswers = require('./hardening/api-answers.cjs');
const apiBodies = require('./hardening/api-bodies.cjs');
const { endWithParent } = require('./hardening/end-with-parent.cjs');
const frames = require('./hardening/frames.cjs');
const listening = require('./hardening/listening.cjs');
const operatorRoutes = require('./hardening/operator-routes.cjs');
const redisAdapter = require('./hardening/redis-adapter.cjs');
const signatureAge = require('./hardening/signature-age.cjs');
const stopping = require('./hardening/stopping.cjs');

/** Soketi's own classes, found from the script that Node was told to run. */
function loadSoketi() {
  const dist = join(dirname(realpathSync(/** @type {string} */ (process.argv[1]))), '..', 'dist');
  const { WsHandler } = require(join(dist, 'ws-handler.js'));
  const { HttpHandler } = require(join(dist, 'http-handler.js'));
  const { Server } = require(join(dist, 'server.js'));
  const { RedisAdapter } = require(join(dist, 'adapters', 'redis-adapter.js'));
  return { WsHandler, HttpHandler, Server, RedisAdapter };
}

/**
 * @param {Readonly<Record<string, any>>} classes
 * @throws Error naming the first method that this Soketi does not have; its message is printed below
 */
function checkMethods(classes) {
  for (const { methods } of [
    apiAnswers,
    apiBodies,
    frames,
    listening,
    operatorRoutes,
    redisAdapter,
    signatureAge,
    stopping,
  ]) {
    for (const [type, names] of Object.entries(methods)) {
      for (const name of names) {
        if (typeof classes[type]?.prototype?.[name] === 'function') continue;
        throw new Error(`This Soketi has no ${type}.${name}: preload.cjs was written for Soketi 1.6.`);
      }
    }
  }
}

try {
  endWithParent(process.env);
  const classes = loadSoketi();
  checkMethods(classes);
  frames.hardenFrames(classes.WsHandler);
  apiAnswers.hardenApiAnswers(classes.HttpHandler);
  apiBodies.hardenApiBodies(classes.HttpHandler);
  signatureAge.hardenSignatureAge(classes.HttpHandler);
  listening.hardenListening(classes.Server);
  operatorRoutes.hardenOperatorRoutes(classes.Server);
  redisAdapter.hardenRedisAdapter(classes.RedisAdapter);
  stopping.hardenStopping(classes.Server);
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exit(1);
}
