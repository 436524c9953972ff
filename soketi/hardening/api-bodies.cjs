// Reads and checks the bodies of API calls that publish events, before Soketi sees them.
//
// Plain Soketi trusts a correctly signed body. If the body has an unexpected shape, the process ends with an uncaught
// exception, or the caller never gets an answer.
'use strict';

const { decodeJson, isRecord } = require('./json.cjs');
const { maxBodyBytes } = require('./sizes.cjs');

/** Longest channel name of hosted Pusher, in characters. */
const MAX_CHANNEL_LENGTH = 164;
const CHANNEL_NAME = /^#?[-a-zA-Z0-9_=@,.;]+$/;
const SOCKET_ID = /^\d+\.\d+$/;

/**
 * Says what is wrong with an event to publish, or null when Soketi can take it. Sizes are left to Soketi's own limits.
 * @param {unknown} event
 * @param {any} app the application, with its limits
 * @returns {string | null}
 */
function findEventFault(event, app) {
  if (!isRecord(event)) return 'an event must be a JSON object';
  if (typeof event.name !== 'string' || event.name === '') return 'name must be a string that is not empty';
  // Hosted Pusher requires a string, too. Soketi would write an object as JSON, and a deeply nested one overflows the stack.
  if (typeof event.data !== 'string') return 'data must be a string';
  const channels = event.channels ?? [event.channel];
  if (!Array.isArray(channels) || channels.length === 0) return 'channels must be a list of names that is not empty';
  for (const channel of channels) {
    if (typeof channel !== 'string' || !CHANNEL_NAME.test(channel)) return 'each channel must be a legal channel name';
    const longest = Math.max(app.maxChannelNameLength, MAX_CHANNEL_LENGTH);
    // `#server-to-user-<id>` is how the Pusher SDK addresses a signed-in user. Ids may be longer than channel names.
    if (channel.length > longest && !channel.startsWith('#')) return `a channel name has at most ${longest} characters`;
  }
  const { socket_id: socketId } = event;
  if (socketId !== undefined && socketId !== null && (typeof socketId !== 'string' || !SOCKET_ID.test(socketId))) {
    return 'socket_id must look like 123.456';
  }
  return null;
}

/** @param {unknown} body @param {any} app @returns {string | null} */
function findBatchFault(body, app) {
  if (!isRecord(body) || !Array.isArray(body.batch)) return 'batch must be a list of events';
  for (const event of body.batch) {
    const fault = findEventFault(event, app);
    if (fault !== null) return fault;
  }
  return null;
}

/** @param {any} HttpHandler Soketi's class */
function hardenApiBodies(HttpHandler) {
  const prototype = HttpHandler.prototype;

  /** @this {any} @param {any} res @param {Function} next */
  prototype.jsonBodyMiddleware = function readBody(res, next) {
    /** @type {Buffer[]} */
    const chunks = [];
    let bytes = 0;
    const maxBytes = maxBodyBytes(this.server.options);
    res.onData((/** @type {ArrayBuffer} */ chunk, /** @type {boolean} */ isLast) => {
      // Refused already. uWebSockets delivers the rest of the body all the same.
      if (bytes > maxBytes) return;
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        chunks.length = 0;
        res.closeAfterwards = true;
        this.entityTooLargeResponse(res, 'The payload size is too big.');
        return;
      }
      // Copied, because uWebSockets reuses the memory when this function returns.
      chunks.push(Buffer.from(new Uint8Array(chunk)));
      if (!isLast) return;
      const body = Buffer.concat(chunks);
      // The signature covers the bytes. Decoded as text and encoded again, malformed bytes would have changed.
      res.rawBody = bytes === 0 ? '' : body;
      res.body = decodeJson(body);
      next();
    });
  };

  for (const [method, findFault] of /** @type {const} */ ([
    ['broadcastEventRateLimitingMiddleware', findEventFault],
    ['broadcastBatchEventsRateLimitingMiddleware', findBatchFault],
  ])) {
    const original = prototype[method];
    // This step runs after the signature check, and is the first that reads what is in the body.
    /** @this {any} @param {any} res @param {Function} next */
    prototype[method] = function checkBody(res, next) {
      const fault = findFault(res.body, res.app);
      return fault === null ? original.call(this, res, next) : this.badResponse(res, `The body is wrong: ${fault}.`);
    };
  }
}

// `methods`: the methods of Soketi that this file uses. preload.cjs checks at start that they exist.
module.exports = {
  methods: {
    HttpHandler: [
      'badResponse',
      'broadcastBatchEventsRateLimitingMiddleware',
      'broadcastEventRateLimitingMiddleware',
      'entityTooLargeResponse',
      'jsonBodyMiddleware',
    ],
  },
  hardenApiBodies,
};
