// Reading JSON of unknown shape. Serves frames.cjs and api-bodies.cjs.
'use strict';

/** @param {unknown} value @returns {value is Record<string, unknown>} whether it is an object, and not a list or null */
const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {unknown} text @returns {unknown} undefined when it is not JSON */
function parseJson(text) {
  try {
    return JSON.parse(/** @type {string} */ (text));
  } catch {
    return undefined;
  }
}

/**
 * Decodes bytes as strict UTF-8, then as JSON. Soketi's own decoder would replace malformed bytes by other characters.
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

module.exports = { decodeJson, isRecord, parseJson };
