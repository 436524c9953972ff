// How large a WebSocket frame and an API body may be, computed from the event size that Soketi's settings allow. Serves
// listening.cjs and api-bodies.cjs.
//
// Plain Soketi buffers frames and bodies of up to 100 MB, even from clients that are not signed in.
'use strict';

/**
 * A frame may always have this size: a client event of 10 KB, with every byte escaped and its envelope, has
 * 10 × 1024 × 6 + 4096 bytes.
 */
const MIN_FRAME_BYTES = 64 * 1024;
/** A body may have this size: ten events of 10 KB, each to 100 channels, with every byte escaped, have about 0.8 MiB. */
const MIN_BODY_BYTES = 1024 * 1024;
/** The largest event where applications come from a database. They may have limits of their own, unknown at start. */
const ASSUMED_EVENT_KB = 1024;
/** A byte of data takes at most six bytes in JSON (`\u0001`). */
const ESCAPED_BYTES = 6;
/** Room for names, signatures and punctuation around the data of an event. */
const ENVELOPE_BYTES = 4096;
/** Two quotes and a comma around a channel name in a list. */
const PUNCTUATION_BYTES = 3;

/** @param {any} options of the Soketi server @returns {number} the largest event of any application, in KB */
function largestEventKb(options) {
  const { appManager, eventLimits } = options;
  if (appManager.driver !== 'array') return Math.max(Number(eventLimits.maxPayloadInKb), ASSUMED_EVENT_KB);
  // Soketi accepts three spellings of this setting.
  const own = appManager.array.apps.map((/** @type {any} */ app) =>
    Number(app.maxEventPayloadInKb ?? app.MaxEventPayloadInKb ?? app.max_event_payload_in_kb ?? 0),
  );
  return Math.max(Number(eventLimits.maxPayloadInKb), ...own.filter(Number.isFinite));
}

/** @param {any} options of the Soketi server @returns {number} bytes of the longest frame */
function maxFrameBytes(options) {
  return Math.max(MIN_FRAME_BYTES, largestEventKb(options) * 1024 * ESCAPED_BYTES + ENVELOPE_BYTES);
}

/** @param {any} options of the Soketi server @returns {number} bytes of the longest body of the API */
function maxBodyBytes(options) {
  const { channelLimits, eventLimits, httpApi } = options;
  const channels = Number(eventLimits.maxChannelsAtOnce) * (Number(channelLimits.maxNameLength) + PUNCTUATION_BYTES);
  const event = largestEventKb(options) * 1024 * ESCAPED_BYTES + channels + ENVELOPE_BYTES;
  const needed = Number(eventLimits.maxBatchSize) * event;
  return Math.min(Math.max(MIN_BODY_BYTES, needed), Number(httpApi.requestLimitInMb) * 1024 * 1024);
}

module.exports = { maxBodyBytes, maxFrameBytes };
