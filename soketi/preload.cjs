// Keeps one hostile client, or one odd API call, from taking Soketi down for everybody.
//
// Used as `node --require soketi/preload.cjs …/soketi/bin/server.js start`, here and in the container. It needs the
// folder soketi/ beside it and nothing else, and changes nothing on disk: it replaces a few methods of Soketi 1.6 before
// the server starts, and refuses to start with a Soketi that does not have them. What it cures:
//   - a frame of an unexpected shape is an uncaught exception in Soketi, which then sends every client away and exits;
//   - so is a correctly signed API body of an unexpected shape (or the caller never gets an answer);
//   - errors of the API are sent with status 200, because headers are written before the status;
//   - every answer of the API closes its connection;
//   - a subscribe or unsubscribe repeated in a loop makes one webhook call per frame;
//   - an aborted call is logged with the application's secret in it;
//   - a signed call can be repeated for ever: one that is older than 10 minutes is refused, as by hosted Pusher;
//   - anybody can enter any number of made-up channels (soketi/subscriptions.cjs, with its two settings);
//   - cluster discovery, /usage and /metrics listen on every interface, whatever host is set, and /accept-traffic is
//     answered to everybody: now where /usage is (soketi/listening.cjs);
//   - a port that is taken goes unnoticed: two servers share it, and both say that they are up.
'use strict';

const { realpathSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { hardenListening, hideInside } = require('./listening.cjs');
const { maxBodyBytes } = require('./sizes.cjs');
const { readSubscriptionLimits, Subscriptions } = require('./subscriptions.cjs');

/** How far the time of a signed call may be from ours, in seconds. */
const MAX_CALL_AGE_S = 600;
/** Longest channel name of hosted Pusher, in characters. */
const MAX_CHANNEL_LENGTH = 164;
/** uWebSockets drops idle connections after 10 s; said to clients, so that they do not reuse one that is going away. */
const KEEP_ALIVE = 'timeout=8';
const CHANNEL_NAME = /^#?[-a-zA-Z0-9_=@,.;]+$/;
const SOCKET_ID = /^\d+\.\d+$/;

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {unknown} value @returns {value is string | undefined} */
const isTextOrAbsent = (value) => value === undefined || value === null || typeof value === 'string';

// ---- WebSocket frames

/**
 * Says what is wrong with a frame, or null when Soketi can take it.
 * @param {unknown} frame
 * @returns {string | null}
 */
function findFrameFault(frame) {
  if (!isRecord(frame)) return 'a message must be a JSON object';
  const { event, data, channel } = frame;
  if (typeof event !== 'string') return 'event must be a string';
  if (event === 'pusher:ping' || event === 'pusher:pong') return null;
  if (event === 'pusher:subscribe' || event === 'pusher:unsubscribe') {
    if (!isRecord(data)) return `${event} needs an object as data`;
    if (typeof data.channel !== 'string' || data.channel === '') return `${event} needs a channel name in data`;
    if (event === 'pusher:unsubscribe') return null;
    if (!isTextOrAbsent(data.auth)) return 'data.auth must be a string';
    if (!isTextOrAbsent(data.channel_data)) return 'data.channel_data must be a string';
    return data.channel.startsWith('presence-') ? findMemberFault(data.channel_data) : null;
  }
  if (event === 'pusher:signin') {
    if (!isRecord(data)) return 'pusher:signin needs an object as data';
    if (typeof data.auth !== 'string') return 'pusher:signin needs data.auth';
    return findUserFault(data.user_data);
  }
  if (event.startsWith('client-')) {
    return typeof channel === 'string' ? null : 'a client event needs a channel name';
  }
  return 'this event is not known here';
}

/** @param {unknown} text @returns {string | null} */
function findMemberFault(text) {
  const member = parseJson(text);
  if (!isRecord(member)) return 'data.channel_data must be a JSON object in a string';
  const { user_id: id } = member;
  return typeof id === 'string' || typeof id === 'number' ? null : 'data.channel_data needs a user_id';
}

/** @param {unknown} text @returns {string | null} */
function findUserFault(text) {
  const user = parseJson(text);
  if (!isRecord(user)) return 'data.user_data must be a JSON object in a string';
  return typeof user.id === 'string' || typeof user.id === 'number' ? null : 'data.user_data needs an id';
}

/** @param {unknown} text @returns {unknown} undefined when it is not JSON */
function parseJson(text) {
  try {
    return JSON.parse(/** @type {string} */ (text));
  } catch {
    return undefined;
  }
}

/**
 * Decodes bytes as UTF-8 JSON, strictly: Soketi's own decoder lets malformed bytes through as other characters.
 * @param {ArrayBuffer | Uint8Array} bytes
 * @returns {unknown} undefined when they are not UTF-8 or not JSON
 */
function decodeJson(bytes) {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** @param {any} WsHandler */
function hardenFrames(WsHandler) {
  const prototype = WsHandler.prototype;
  const { onMessage, onOpen } = prototype;
  const subscriptions = new Subscriptions(readSubscriptionLimits(process.env));

  /** @this {any} @param {any} ws */
  prototype.onOpen = function followRefusals(ws) {
    onOpen.call(this, ws);
    const send = ws.sendJson;
    ws.sendJson = (/** @type {any} */ message) => {
      // Not let in, so that it may try again.
      if (message.event === 'pusher:subscription_error') subscriptions.leave(ws, message.channel);
      return send(message);
    };
  };

  /** @this {any} @param {any} ws @param {ArrayBuffer} message @param {boolean} isBinary */
  prototype.onMessage = function checkFrame(ws, message, isBinary) {
    // 4009 and a closed connection would send pusher-js away for good; an error event tells only a debugging eye.
    const refuse = (/** @type {string} */ reason) =>
      ws.sendJson({ event: 'pusher:error', data: { code: 4300, message: `Message ignored: ${reason}.` } });
    if (isBinary) return refuse('the protocol has text frames only');
    const frame = decodeJson(message);
    const fault = findFrameFault(frame);
    if (fault !== null) return refuse(fault);
    // Its application is not known yet, or there is none by this key and the connection is being closed.
    if (!ws.app) return refuse('wait for pusher:connection_established');
    const { event, data } = /** @type {any} */ (frame);
    // Soketi sends no pings, so nobody waits for this.
    if (event === 'pusher:pong') return undefined;
    if (event === 'pusher:unsubscribe' && !subscriptions.leave(ws, data.channel)) return undefined;
    if (event === 'pusher:subscribe') {
      const refusal = subscriptions.enter(ws, data.channel);
      if (refusal === 'again') return refuse('already subscribed to this channel');
      if (refusal !== null) {
        return ws.sendJson({ event: 'pusher:subscription_error', channel: data.channel, data: refusal });
      }
    }
    try {
      return onMessage.call(this, ws, frame, isBinary);
    } catch (error) {
      console.error(`A message of type ${event.slice(0, 40)} was not understood:`, error);
      return refuse('it was not understood');
    }
  };
}

// ---- HTTP API

/**
 * Says what is wrong with an event to publish, or null when Soketi can take it. Sizes are left to Soketi's own limits.
 * @param {unknown} event
 * @param {any} app the application, with its limits
 * @returns {string | null}
 */
function findEventFault(event, app) {
  if (!isRecord(event)) return 'an event must be a JSON object';
  if (typeof event.name !== 'string' || event.name === '') return 'name must be a string that is not empty';
  // Also what hosted Pusher wants; objects nested a thousand levels deep would overflow the stack further on.
  if (typeof event.data !== 'string') return 'data must be a string';
  const channels = event.channels ?? [event.channel];
  if (!Array.isArray(channels) || channels.length === 0) return 'channels must be a list of names that is not empty';
  for (const channel of channels) {
    if (typeof channel !== 'string' || !CHANNEL_NAME.test(channel)) return 'each channel must be a legal channel name';
    const longest = Math.max(app.maxChannelNameLength, MAX_CHANNEL_LENGTH);
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

/** @param {any} HttpHandler */
function hardenApi(HttpHandler) {
  const prototype = HttpHandler.prototype;

  // Replaced and not wrapped: the original logs an aborted response together with the application's secret, and an
  // exception in a later step would leave the caller without an answer.
  /** @this {any} @param {any} res @param {Function[]} steps */
  prototype.attachMiddleware = function runSteps(res, steps) {
    /** @type {Array<[string, string]>} */
    const headers = [];
    const writeHeader = res.writeHeader.bind(res);
    // Held back until the status is written: uWebSockets fixes the status at 200 with the first header.
    res.writeHeader = (/** @type {string} */ name, /** @type {string} */ value) => {
      headers.push([name, value]);
      return res;
    };
    res.writeHeldHeaders = () => {
      for (const [name, value] of headers.splice(0)) writeHeader(name, value);
    };
    res.isAborted = false;
    res.onAborted(() => {
      res.isAborted = true;
    });
    return new Promise((resolve) => {
      const run = (/** @type {number} */ index) => {
        const step = steps[index];
        if (step === undefined) return resolve(res);
        try {
          return step.call(this, res, () => run(index + 1));
        } catch (error) {
          console.error('An API call failed:', error);
          return this.serverErrorResponse(res, 'A server error has occurred.');
        }
      };
      run(0);
    });
  };

  /** @this {any} @param {any} res @param {Function} next */
  prototype.jsonBodyMiddleware = function readBody(res, next) {
    /** @type {Buffer[]} */
    const chunks = [];
    let bytes = 0;
    const maxBytes = maxBodyBytes(this.server.options);
    res.onData((/** @type {ArrayBuffer} */ chunk, /** @type {boolean} */ isLast) => {
      if (bytes > maxBytes) return;
      bytes += chunk.byteLength;
      if (bytes > maxBytes) {
        chunks.length = 0;
        res.closeAfterwards = true;
        this.entityTooLargeResponse(res, 'The payload size is too big.');
        return;
      }
      // Copied, because uWebSockets takes the memory back when this function returns.
      chunks.push(Buffer.from(new Uint8Array(chunk)));
      if (!isLast) return;
      const body = Buffer.concat(chunks);
      // The bytes themselves and not their text: the signature covers bytes.
      res.rawBody = bytes === 0 ? '' : body;
      res.body = decodeJson(body);
      next();
    });
  };

  const { authMiddleware } = prototype;
  /** @this {any} @param {any} res @param {Function} next */
  prototype.authMiddleware = function checkAge(res, next) {
    const { auth_timestamp: given } = res.query;
    const isFresh = /^\d{1,15}$/.test(given) && Math.abs(Date.now() / 1000 - Number(given)) <= MAX_CALL_AGE_S;
    if (isFresh) return authMiddleware.call(this, res, next);
    return this.unauthorizedResponse(
      res,
      `Timestamp expired: auth_timestamp must be within ${MAX_CALL_AGE_S} s of the server's time, in seconds.`,
    );
  };

  for (const [method, findFault] of /** @type {const} */ ([
    ['broadcastEventRateLimitingMiddleware', findEventFault],
    ['broadcastBatchEventsRateLimitingMiddleware', findBatchFault],
  ])) {
    const original = prototype[method];
    // Here, because it is the first step after the signature that looks into the body.
    /** @this {any} @param {any} res @param {Function} next */
    prototype[method] = function checkBody(res, next) {
      const fault = findFault(res.body, res.app);
      return fault === null ? original.call(this, res, next) : this.badResponse(res, `The body is wrong: ${fault}.`);
    };
  }

  /** @param {any} res @param {string} status @param {string | null} type @param {string} body */
  const respond = (res, status, type, body) => {
    if (res.isAborted || res.isAnswered) return;
    res.isAnswered = true;
    res.cork(() => {
      res.writeStatus(status);
      if (type !== null) res.writeHeader('Content-Type', type);
      res.writeHeader('Keep-Alive', KEEP_ALIVE);
      res.writeHeldHeaders();
      res.end(body, res.closeAfterwards === true);
    });
  };

  /** @param {any} res @param {unknown} data */
  prototype.sendJson = (res, data, status = '200 OK') => respond(res, status, 'application/json', JSON.stringify(data));
  /** @param {any} res @param {string} data */
  prototype.send = (res, data, status = '200 OK') => respond(res, status, null, data);
  /** @this {any} @param {any} res */
  prototype.notFound = function answerNotFound(res) {
    return this.attachMiddleware(res, [this.corsMiddleware]).then(() => this.send(res, '', '404 Not Found'));
  };
}

/** Soketi's own modules, found from the script that Node was told to run. */
function hardenSoketi() {
  const dist = join(dirname(realpathSync(/** @type {string} */ (process.argv[1]))), '..', 'dist');
  const { WsHandler } = require(join(dist, 'ws-handler.js'));
  const { HttpHandler } = require(join(dist, 'http-handler.js'));
  const { Server } = require(join(dist, 'server.js'));
  const expected = [
    [WsHandler, ['onMessage', 'onOpen']],
    [
      HttpHandler,
      [
        'acceptTraffic',
        'attachMiddleware',
        'authMiddleware',
        'badResponse',
        'broadcastBatchEventsRateLimitingMiddleware',
        'broadcastEventRateLimitingMiddleware',
        'entityTooLargeResponse',
        'jsonBodyMiddleware',
        'notFound',
        'send',
        'sendJson',
        'serverErrorResponse',
        'unauthorizedResponse',
      ],
    ],
    [
      Server,
      ['configureDiscovery', 'configureHttp', 'configureMetricsServer', 'configureWebsockets', 'setOptions', 'url'],
    ],
  ];
  for (const [type, methods] of expected) {
    for (const method of methods) {
      if (typeof type?.prototype?.[method] !== 'function') {
        throw new Error(`This Soketi has no ${type?.name}.${method}: preload.cjs was written for Soketi 1.6.`);
      }
    }
  }
  hardenFrames(WsHandler);
  hardenApi(HttpHandler);
  hardenListening(Server);
  hideInside(Server);
}

try {
  hardenSoketi();
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exit(1);
}
