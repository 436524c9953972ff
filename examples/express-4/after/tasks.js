// What the server and the worker share.
const { defineTask } = require('inloop');
const { createBackend, pusherFromEnv } = require('inloop/backend');
const { z } = require('zod');

exports.backend = createBackend({ redis: process.env.REDIS_URL, pusher: pusherFromEnv(process.env) });
exports.makeInvoices = defineTask({
  name: 'make-invoices',
  input: z.object({ count: z.number().int().max(1_000) }),
  title: ({ count }) => `${count} invoices`,
});
