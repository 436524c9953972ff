// Lets the local stack's Soketi be troubled on purpose: by `npm start` only, for the demo's "Make trouble" (trouble.ts).
//
// A second `--require` after soketi/preload.cjs, inside the real Soketi and not in front of it, so that without trouble
// nothing is in anybody's way. What to do comes from the process that started Soketi, over their own channel: there is
// no port to reach it by. The container does not load this file.
'use strict';

const { realpathSync } = require('node:fs');
const { dirname, join } = require('node:path');

/** How much later an event comes for the second time: newer ones have come meanwhile. In milliseconds. */
const SECOND_AFTER_MS = 1_500;

/**
 * Until when, in milliseconds since 1970.
 * @type {import('./trouble.ts').SoketiTrouble}
 */
let trouble = { refuseUntil: 0, loseUntil: 0, doubleUntil: 0 };

/** Everybody who is connected. @type {Set<any>} */
const sockets = new Set();

/** @param {unknown} message @returns {boolean} */
const isTaskEvent = (message) => String(/** @type {any} */ (message)?.event).startsWith('task.');

/** @param {any} WsHandler */
function makeTroublesome(WsHandler) {
  const prototype = WsHandler.prototype;
  const { handleUpgrade, onOpen, onClose } = prototype;

  /** @this {any} @param {any} res @param {any} req @param {any} context */
  prototype.handleUpgrade = function refuseOrUpgrade(res, req, context) {
    // Browsers say of which page they are; the server's own connections, for clients over HTTP, do not.
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

/** Ends connections as a cable that is pulled does: without a closing frame. @param {'all' | 'browsers'} whose */
function cut(whose) {
  for (const ws of [...sockets]) if (whose === 'all' || ws.isBrowser) ws.close();
}

const dist = join(dirname(realpathSync(/** @type {string} */ (process.argv[1]))), '..', 'dist');
makeTroublesome(require(join(dist, 'ws-handler.js')).WsHandler);
process.on('message', (/** @type {import('./trouble.ts').SoketiMessage} */ message) => {
  if (message.trouble) trouble = message.trouble;
  if (message.cut) cut(message.cut);
});
