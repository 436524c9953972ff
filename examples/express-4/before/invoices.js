const { setTimeout: wait } = require('node:timers/promises');

/** Stands for the slow work: makes one invoice. */
exports.addInvoice = (_number) => wait(100);
