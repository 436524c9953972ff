/**
 * A thread beside the event loop of a worker. It serves the heartbeat (`heartbeat.ts`), which starts it. It does two things:
 *
 * - Heartbeat: it renews the worker's key in Redis, so that a worker whose event loop is blocked does not look dead.
 * - Watchdog: when the event loop has been blocked for 3 s, it writes a warning to standard error. When the event loop is
 *   blocked beyond the deadline of a task, it ends the process. The event loop can do neither while a handler blocks it.
 *
 * The code of the thread is a text, and it speaks the Redis protocol itself, with three commands: AUTH, SELECT and SET. So
 * it needs no package, and no file at run time: a worker that was bundled into one file works, too. If the thread cannot
 * connect, the event loop still renews the key while nothing blocks it.
 */

import type { RedisServer } from '../../backend/redis/address.ts';
import { SLOT } from './running-table.ts';

/** What the thread is started with. */
export interface WatchdogData {
  /** Counts up while the event loop turns. */
  readonly beats: Int32Array;
  readonly redis: RedisServer;
  /** Keys in Redis: of the heartbeat, and of the list of tasks that were over their deadline when the process was ended. */
  readonly keys: { readonly heartbeat: string; readonly overDeadline: string };
  /** How long one heartbeat lasts, in ms. */
  readonly lastsMs: number;
  /** An event loop that has not turned for this long, in ms, counts as blocked. */
  readonly blockedAfterMs: number;
}

/** A message to the thread. */
export type ToWatchdog =
  /** The running tasks are in this memory from now on, with these names of definitions (running-table.ts). */
  | { readonly type: 'tasks'; readonly memory: SharedArrayBuffer; readonly names: readonly string[] }
  | { readonly type: 'redis'; readonly redis: RedisServer };

/** The code of the thread, for `new Worker(code, { eval: true })`. */
export const WATCHDOG_CODE = `
'use strict';
const { workerData, parentPort } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const net = require('node:net');
const tls = require('node:tls');

const { beats, keys, lastsMs, blockedAfterMs } = workerData;
let redis = workerData.redis;
let tasks = { slots: Buffer.alloc(0), names: [] };
let socket = null;
let isReady = false;
let callbacks = [];
let beatSeen = Atomics.load(beats, 0);
let beatAt = performance.now();
let lookedAt = beatAt;

function encode(parts) {
  return '*' + parts.length + '\\r\\n' + parts.map((part) => '$' + Buffer.byteLength(part) + '\\r\\n' + part + '\\r\\n').join('');
}

/** Redis answers each of our commands with one line: "+OK", or an error. */
function send(parts, done) {
  callbacks.push(done || (() => {}));
  socket.write(encode(parts));
}

function connect() {
  const own = redis.tls ? tls.connect(redis.connect) : net.connect(redis.connect);
  let text = '';
  socket = own;
  own.setNoDelay(true);
  own.setTimeout(lastsMs, () => own.destroy());
  own.on('error', () => {});
  own.on('close', () => {
    if (socket !== own) return;
    isReady = false;
    socket = null;
    callbacks = [];
    setTimeout(connect, 500);
  });
  own.on('data', (data) => {
    text += data;
    for (let end = text.indexOf('\\r\\n'); end >= 0; end = text.indexOf('\\r\\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      const done = callbacks.shift();
      if (done) done(line);
      // Redis refuses: it has become a replica, or the password is wrong. The next connection may reach another server.
      if (line[0] === '-') own.destroy();
    }
  });
  own.once(redis.tls ? 'secureConnect' : 'connect', () => {
    if (redis.password !== null) send(redis.username === null ? ['AUTH', redis.password] : ['AUTH', redis.username, redis.password]);
    if (redis.database > 0) send(['SELECT', String(redis.database)]);
    isReady = true;
  });
}

/** For how long the event loop has not turned, in ms; 0 if it is not blocked. */
function blockedFor() {
  const now = performance.now();
  const seen = Atomics.load(beats, 0);
  // This thread looks every 250 ms. After a gap of 2 s, the whole process was paused (SIGSTOP, a sleeping machine). That is
  // no block of the event loop, so it gets time to turn again.
  const wasPaused = now - lookedAt > 2000;
  lookedAt = now;
  if (seen !== beatSeen || wasPaused) {
    beatSeen = seen;
    beatAt = now;
  }
  const silence = now - beatAt;
  return silence >= blockedAfterMs ? silence : 0;
}

function renew() {
  const blocked = blockedFor();
  if (isReady) send(['SET', keys.heartbeat, blocked > 0 ? String(Math.round(blocked)) : '', 'PX', String(lastsMs)]);
}

/** The tasks that run: the id and the name of each, and when it must have ended. */
function runningTasks() {
  const { slots, names } = tasks;
  const running = [];
  for (let at = 0; at < slots.length; at += ${SLOT.bytes}) {
    const deadline = slots.readDoubleLE(at + ${SLOT.deadline});
    if (deadline === 0) continue;
    const id = slots.toString('latin1', at + ${SLOT.id}, at + ${SLOT.bytes});
    running.push({ id, name: names[slots.readUInt32LE(at + ${SLOT.name})], deadline });
  }
  return running;
}

function endProcess(overdue, blocked) {
  const names = overdue.map(({ id, name }) => name + ' (' + id + ')').join(', ');
  writeSync(2, 'inloop error: The event loop was blocked for ' + (blocked / 1000).toFixed(1) + ' s, beyond the deadline of ' + names + '. The process ends now.\\n');
  const end = () => process.kill(process.pid, 'SIGKILL');
  setTimeout(end, 1000);
  if (isReady) send(['SET', keys.overDeadline, overdue.map(({ id }) => id).join(' '), 'EX', '86400'], end);
}

let isEnding = false;
let isTold = false;
function watch() {
  const blocked = blockedFor();
  if (blocked === 0) isTold = false;
  if (blocked === 0 || isEnding) return;
  const running = runningTasks();
  if (blocked >= 3000 && !isTold && running.length > 0) {
    isTold = true;
    const names = [...new Set(running.map(({ name }) => name))].slice(0, 5).join(', ');
    writeSync(2, 'inloop warn: The event loop has been blocked for ' + (blocked / 1000).toFixed(1) + ' s, and still is. A handler that runs now does not yield: ' + names + '. Let it await something between its steps, or do the work in a thread.\\n');
  }
  const now = Number(process.hrtime.bigint()) / 1e6;
  const overdue = running.filter(({ deadline }) => deadline <= now);
  if (overdue.length === 0) return;
  isEnding = true;
  endProcess(overdue, blocked);
}

parentPort.on('message', (message) => {
  if (message.type === 'tasks') tasks = { slots: Buffer.from(message.memory), names: message.names };
  else {
    redis = message.redis;
    if (socket) socket.destroy();
  }
});
connect();
setInterval(renew, lastsMs / 3);
setInterval(watch, 250);
`;
