// How large a frame and an API body may be, computed from the event size that Soketi's settings allow. Serves listening.cjs
// and api-bodies.cjs.
// Plain Soketi buffers up to 100 MB of either for anybody.
'use strict';

/** Frames are subscribe, unsubscribe, ping, sign-in and client events of 10 KB: 64 KiB leaves room for all of them. */
const LEAST_FRAME_BYTES = 64 * 1024;
/** Ten events of 10 KB, each to 100 channels, each byte escaped, are under 1 MiB. */
const LEAST_BODY_BYTES = 1024 * 1024;
/** Applications from a database may have their own limits, which are not known at start; so up to this much is allowed. */
const UNKNOWN_EVENT_KB = 1024;
/** A byte of data takes at most six bytes in JSON (`\u0001`). */
const ESCAPED = 6;
/** Names, signatures and punctuation around an event's data. */
const AROUND_BYTES = 4096;

/** @param {any} options of the Soketi server @returns {number} the largest event of any application, in KB */
function largestEventKb(options) {
  const { appManager, eventLimits } = options;
  if (appManager.driver !== 'array') return Math.max(Number(eventLimits.maxPayloadInKb), UNKNOWN_EVENT_KB);
  const own = appManager.array.apps.map((/** @type {any} */ app) =>
    Number(app.maxEventPayloadInKb ?? app.MaxEventPayloadInKb ?? app.max_event_payload_in_kb ?? 0),
  );
  return Math.max(Number(eventLimits.maxPayloadInKb), ...own.filter(Number.isFinite));
}

/** @param {any} options of the Soketi server @returns {number} bytes of the longest frame */
function maxFrameBytes(options) {
  return Math.max(LEAST_FRAME_BYTES, largestEventKb(options) * 1024 * ESCAPED + AROUND_BYTES);
}

/** @param {any} options of the Soketi server @returns {number} bytes of the longest body of the API */
function maxBodyBytes(options) {
  const { channelLimits, eventLimits, httpApi } = options;
  const channels = Number(eventLimits.maxChannelsAtOnce) * (Number(channelLimits.maxNameLength) + 3);
  const event = largestEventKb(options) * 1024 * ESCAPED + channels + AROUND_BYTES;
  const needed = Number(eventLimits.maxBatchSize) * event;
  return Math.min(Math.max(LEAST_BODY_BYTES, needed), Number(httpApi.requestLimitInMb) * 1024 * 1024);
}

module.exports = { maxBodyBytes, maxFrameBytes };
