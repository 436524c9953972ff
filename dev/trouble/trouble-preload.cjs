// Disturbs the Soketi of the local stack on purpose, for the demo's "Make trouble" (trouble.ts). Under `npm start` only.
//
// This file is a second `--require` after soketi/preload.cjs. It works inside the real Soketi and not as a proxy in front of it, so
// without trouble nothing is changed. The supervisor (cli/processes/supervisor.ts), which started this process, sends its messages
// over Node's IPC channel, so that no port is needed. The containers of deploy/ do not load this file.
'use strict';

const { realpathSync } = require('node:fs');
const { dirname, join } = require('node:path');

/** After this time an event is sent a second time. Usually newer events of the same task have been sent by then. */
const SECOND_AFTER_MS = 1_500;

/**
 * Until when each kind of trouble lasts, in milliseconds since 1970.
 * @type {import('./trouble.ts').SoketiTrouble}
 */
let trouble = { refuseUntil: 0, loseUntil: 0, doubleUntil: 0 };

/** All connected clients. @type {Set<any>} */
const sockets = new Set();

/** @param {unknown} message @returns {boolean} */
const isTaskEvent = (message) => String(/** @type {any} */ (message)?.event).startsWith('task.');

/** @param {any} WsHandler */
function addTrouble(WsHandler) {
  const prototype = WsHandler.prototype;
  const { handleUpgrade, onOpen, onClose } = prototype;

  /** @this {any} @param {any} res @param {any} req @param {any} context */
  prototype.handleUpgrade = function refuseOrUpgrade(res, req, context) {
    // Browsers send an Origin. The connections of inloop's own server, which serve its HTTP fallback, do not.
    const isBrowser = req.getHeader('origin') !== '';
    if (isBrowser && Date.now() < trouble.refuseUntil) return res.writeStatus('403 Forbidden').end();
    const upgrade = res.upgrade.bind(res);
    res.upgrade = (/** @type {object} */ data, /** @type {unknown[]} */ ...rest) =>
      upgrade({ ...data, isBrowser }, ...rest);
    return handleUpgrade.call(this, res, req, context);
  };

  /** @this {any} @param {any} ws */
  prototype.onOpen = function loseOrSend(ws) {
    onOpen.call(this, ws);
    sockets.add(ws);
    const send = ws.sendJson;
    ws.sendJson = (/** @type {unknown} */ message) => {
      if (isTaskEvent(message)) {
        if (Date.now() < trouble.loseUntil) return;
        if (Date.now() < trouble.doubleUntil) setTimeout(() => sockets.has(ws) && send(message), SECOND_AFTER_MS);
      }
      send(message);
    };
  };

  /** @this {any} @param {any} ws @param {any} code @param {any} message */
  prototype.onClose = function forget(ws, code, message) {
    sockets.delete(ws);
    return onClose.call(this, ws, code, message);
  };
}

/** Ends connections without a closing frame, like a pulled cable. @param {'all' | 'browsers'} whose */
function cut(whose) {
  for (const ws of [...sockets]) if (whose === 'all' || ws.isBrowser) ws.close();
}

// Soketi was started by its `bin/server.js`; its classes are in `dist/` beside `bin/`.
const dist = join(dirname(realpathSync(/** @type {string} */ (process.argv[1]))), '..', 'dist');
addTrouble(require(join(dist, 'ws-handler.js')).WsHandler);
process.on('message', (/** @type {import('./trouble.ts').SoketiMessage} */ message) => {
  if (message.trouble) trouble = message.trouble;
  if (message.cut) cut(message.cut);
});
