// Ends Soketi when the process that started it is gone, even if that process was killed and could not end it.
//
// The setting INLOOP_SOKETI_PARENT is that process's id. Without it, Soketi goes on alone, as plain Soketi does.
'use strict';

/** Milliseconds between two checks. */
const CHECK_MS = 1_000;

/** @param {Readonly<Record<string, string | undefined>>} env */
function endWithParent(env) {
  const parent = Number(env.INLOOP_SOKETI_PARENT);
  if (!parent) return;
  setInterval(() => {
    // A process whose parent ended is given another parent.
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, CHECK_MS).unref();
}

module.exports = { endWithParent };
