// Ends a Soketi that was told to stop, and does not. In plain Soketi a stop waits for all that it works with, such as a Redis
// that is away: it then accepts connections and answers none, until somebody kills it.
'use strict';

/** How much longer than `SOKETI_SHUTDOWN_GRACE_PERIOD` a stop may take, in ms. */
const LONGEST_STOP_MS = 2_000;

/** @param {any} Server Soketi's class */
function hardenStopping(Server) {
  const prototype = Server.prototype;
  const { stop } = prototype;

  /** @this {any} */
  prototype.stop = function stopInTime() {
    setTimeout(() => {
      console.error('Soketi did not stop in time, so it ends now.');
      process.exit(1);
    }, this.options.shutdownGracePeriod + LONGEST_STOP_MS).unref();
    return stop.call(this);
  };
}

// `methods`: the methods of Soketi that this file uses. preload.cjs checks at start that they exist.
module.exports = { methods: { Server: ['stop'] }, hardenStopping };
