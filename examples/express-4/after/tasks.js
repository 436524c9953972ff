// What the server and the worker share.
const { defineTask } = require('inloop');
const { createBackend, pusherFromEnv } = require('inloop/backend');
const { z } = require('zod');

const pusher = pusherFromEnv(process.env);
const { browser } = pusher; // null for hosted Pusher
/** The addresses from which pages get their messages, for the content policy. */
exports.bus = browser
  ? [`${browser.tls ? 'wss' : 'ws'}://${browser.host}:${browser.port}`]
  : ['wss://*.pusher.com', 'https://*.pusher.com'];
exports.backend = createBackend({ redis: process.env.REDIS_URL, pusher });
exports.makeInvoices = defineTask({
  name: 'make-invoices',
  input: z.object({ count: z.number().int().max(1_000) }),
  title: ({ count }) => `${count} invoices`,
});
