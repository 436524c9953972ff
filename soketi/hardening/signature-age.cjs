// Refuses API calls whose time of signing is too far from now, as hosted Pusher does.
//
// Plain Soketi never compares `auth_timestamp` with the clock, so anybody who has seen a signed call can repeat it for ever.
'use strict';

/** How far the time of a signed call may be from the server's clock, in seconds. */
const MAX_DIFFERENCE_S = 600;

/** @param {any} HttpHandler Soketi's class */
function hardenSignatureAge(HttpHandler) {
  const prototype = HttpHandler.prototype;
  const { authMiddleware } = prototype;

  /** @this {any} @param {any} res @param {Function} next */
  prototype.authMiddleware = function checkAge(res, next) {
    const { auth_timestamp: given } = res.query;
    const isFresh = /^\d{1,15}$/.test(given) && Math.abs(Date.now() / 1000 - Number(given)) <= MAX_DIFFERENCE_S;
    if (isFresh) return authMiddleware.call(this, res, next);
    return this.unauthorizedResponse(
      res,
      `Timestamp expired: auth_timestamp must be within ${MAX_DIFFERENCE_S} s of the server's time, in seconds.`,
    );
  };
}

// `methods`: the methods of Soketi that this file uses. preload.cjs checks at start that they exist.
module.exports = { methods: { HttpHandler: ['authMiddleware', 'unauthorizedResponse'] }, hardenSignatureAge };
