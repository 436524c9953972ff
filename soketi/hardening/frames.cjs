// Checks WebSocket frames before Soketi sees them: their shape, and which channels a client may enter.
//
// In plain Soketi a frame of an unexpected shape throws an exception that nobody catches: the process ends, and with it
// every connection. A second subscribe to a channel, or an unsubscribe from one never entered, calls the webhook each time.
'use strict';

const { decodeJson, isRecord, parseJson } = require('./json.cjs');
const { readSubscriptionLimits, Subscriptions } = require('./subscriptions.cjs');

/** @param {unknown} value @returns {value is string | undefined} */
const isTextOrAbsent = (value) => value === undefined || value === null || typeof value === 'string';

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

/** @param {any} WsHandler Soketi's class */
function hardenFrames(WsHandler) {
  const prototype = WsHandler.prototype;
  const { onMessage, onOpen } = prototype;
  const subscriptions = new Subscriptions(readSubscriptionLimits(process.env));

  /** @this {any} @param {any} ws */
  prototype.onOpen = function watchRefusals(ws) {
    onOpen.call(this, ws);
    const send = ws.sendJson;
    ws.sendJson = (/** @type {any} */ message) => {
      // Soketi refused the channel, so the client is not in it and may ask again.
      if (message.event === 'pusher:subscription_error') subscriptions.leave(ws, message.channel);
      return send(message);
    };
  };

  /** @this {any} @param {any} ws @param {ArrayBuffer} message @param {boolean} isBinary */
  prototype.onMessage = function checkFrame(ws, message, isBinary) {
    // The connection stays open. If it were closed with a code from 4001 to 4099, pusher-js would never reconnect. 4300 is the
    // protocol's first code for faults of other kinds.
    const refuse = (/** @type {string} */ reason) =>
      ws.sendJson({ event: 'pusher:error', data: { code: 4300, message: `Message ignored: ${reason}.` } });
    if (isBinary) return refuse('the protocol has text frames only');
    const frame = decodeJson(message);
    const fault = findFrameFault(frame);
    if (fault !== null) return refuse(fault);
    // Soketi is still looking up the application by its key, or has found none and is closing the connection.
    if (!ws.app) return refuse('wait for pusher:connection_established');
    const { event, data } = /** @type {any} */ (frame);
    // Soketi sends no pings, so it cannot handle a pong.
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

// `methods`: the methods of Soketi that this file uses. preload.cjs checks at start that they exist.
module.exports = { methods: { WsHandler: ['onMessage', 'onOpen'] }, hardenFrames };
