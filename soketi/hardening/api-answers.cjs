// Answers API calls with their true status, and keeps connections open.
//
// Plain Soketi writes headers before the status, so every answer has status 200, errors too. Soketi closes the connection
// after each answer. When a caller aborts a call, Soketi logs the application's secret.
'use strict';

/** uWebSockets closes an idle connection after 10 s. Clients are told 8 s, so that none sends a call while it closes. */
const KEEP_ALIVE = 'timeout=8';

/** @param {any} HttpHandler Soketi's class */
function hardenApiAnswers(HttpHandler) {
  const prototype = HttpHandler.prototype;

  // The method is replaced and not wrapped. The original logs the application's secret when a call is aborted, and leaves
  // the caller without an answer when a later step throws.
  /** @this {any} @param {any} res @param {Function[]} steps */
  prototype.attachMiddleware = function runSteps(res, steps) {
    holdHeaders(res);
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

  /** @param {any} res @param {unknown} data */
  prototype.sendJson = (res, data, status = '200 OK') => respond(res, status, 'application/json', JSON.stringify(data));
  /** @param {any} res @param {string} data */
  prototype.send = (res, data, status = '200 OK') => respond(res, status, null, data);
  /** @this {any} @param {any} res */
  prototype.notFound = function answerNotFound(res) {
    return this.attachMiddleware(res, [this.corsMiddleware]).then(() => this.send(res, '', '404 Not Found'));
  };
}

/**
 * Holds headers back until the status is written: uWebSockets fixes the status at 200 with the first header.
 * @param {any} res
 */
function holdHeaders(res) {
  /** @type {Array<[string, string]>} */
  const headers = [];
  const writeHeader = res.writeHeader.bind(res);
  res.writeHeader = (/** @type {string} */ name, /** @type {string} */ value) => {
    headers.push([name, value]);
    return res;
  };
  res.writeHeldHeaders = () => {
    for (const [name, value] of headers.splice(0)) writeHeader(name, value);
  };
}

/** @param {any} res @param {string} status @param {string | null} type @param {string} body */
function respond(res, status, type, body) {
  if (res.isAborted || res.isAnswered) return;
  res.isAnswered = true;
  res.cork(() => {
    res.writeStatus(status);
    if (type !== null) res.writeHeader('Content-Type', type);
    res.writeHeader('Keep-Alive', KEEP_ALIVE);
    res.writeHeldHeaders();
    // api-bodies.cjs wants the connection closed where it refuses a body before the end of it has come.
    res.end(body, res.closeAfterwards === true);
  });
}

// `methods`: the methods of Soketi that this file uses. preload.cjs checks at start that they exist.
module.exports = {
  methods: { HttpHandler: ['attachMiddleware', 'notFound', 'send', 'sendJson', 'serverErrorResponse'] },
  hardenApiAnswers,
};
