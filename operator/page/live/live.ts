/**
 * Follows the server's event stream (`GET api/live`) while the page is visible, and connects again by itself.
 *
 * It reads the stream by `fetch`, not by EventSource, for two reasons. EventSource hides the comments that show that the stream is
 * alive. And EventSource reports the same error for an answer of 404 or 503 as for a network that does not answer.
 */

import type { LiveEvents } from '../../../core/operator/calls.ts';
import { createEventReader } from './event-text.ts';
import { HIDDEN, type LinkState, type LiveEffect, type LiveEvent, linkOf, nextLive } from './live-state.ts';

/** A stream that brings nothing for this long is dead: the server sends a comment every 15 s, so two are missing. */
const SILENCE_MS = 40_000;

export interface LiveOptions {
  readonly onLink: (link: LinkState) => void;
  /** Called when the stream is up. What is shown may be out of date then. */
  readonly onUp: () => void;
  readonly onEvent: <Name extends keyof LiveEvents>(name: Name, data: LiveEvents[Name]) => void;
  /** The server answered with a status below 500, but with no stream. Perhaps this operator may not see the page any more. */
  readonly onRefused: () => void;
  /** Ends the stream for good. */
  readonly signal: AbortSignal;
}

/** The live stream. */
export interface Live {
  /** Follows the page's visibility from now on. */
  start(): void;
  /** Chooses the task whose revisions the stream tells; null for none. Opens another stream if that is another task. */
  follow(taskId: string | null): void;
}

/** Creates the live stream. It does nothing until `start`. */
export function createLive({ onLink, onUp, onEvent, onRefused, signal }: LiveOptions): Live {
  let state = HIDDEN;
  let task: string | null = null;
  let connection: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function take(event: LiveEvent): void {
    const next = nextLive(state, event);
    state = next.state;
    if (state.phase !== 'hidden') onLink(linkOf(state));
    run(next.effect);
  }

  function run(effect: LiveEffect): void {
    switch (effect.type) {
      case 'connect':
        void connect();
        break;
      case 'disconnect':
        clearTimeout(timer);
        connection?.abort();
        break;
      case 'refresh':
        onUp();
        break;
      case 'wait':
        timer = setTimeout(() => take({ type: 'due' }), effect.ms);
    }
  }

  /** Hands an event on. Catches errors of `onEvent`, since `connect` would take them for a stream that was cut. */
  function deliver(name: string, data: string): void {
    try {
      onEvent(name as keyof LiveEvents, JSON.parse(data));
    } catch (error) {
      reportError(error);
    }
  }

  async function connect(): Promise<void> {
    const own = new AbortController();
    connection = own;
    let silence = setTimeout(() => own.abort(), SILENCE_MS);
    let openedAt: number | undefined;
    let retryAfter = 0;
    try {
      const path = task === null ? 'api/live' : `api/live?${new URLSearchParams({ task })}`;
      const headers = { accept: 'text/event-stream' };
      const response = await fetch(path, { signal: own.signal, headers, redirect: 'manual' });
      retryAfter = Number(response.headers.get('retry-after')) || 0;
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
      // A redirect has the status 0 here. A page to sign in has 200, and is no stream.
      if (response.status < 500 && !(response.ok && isStream)) onRefused();
      if (response.ok && isStream && response.body) {
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        const read = createEventReader();
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
          clearTimeout(silence);
          silence = setTimeout(() => own.abort(), SILENCE_MS);
          if (openedAt === undefined) {
            openedAt = Date.now();
            take({ type: 'opened' });
          }
          for (const { name, data } of read(piece.value)) deliver(name, data);
        }
      }
    } catch {
      // The stream could not be opened, or was cut. The event `ended` below says so.
    }
    clearTimeout(silence);
    own.abort();
    // `follow`, or a page that was hidden and shown again, may have opened another connection. Then the state is about that one.
    if (connection !== own) return;
    connection = undefined;
    const livedFor = openedAt === undefined ? 0 : Date.now() - openedAt;
    take({ type: 'ended', livedFor, retryAfter, chance: Math.random() });
  }

  return {
    start() {
      const update = () => take({ type: document.hidden ? 'hidden' : 'shown' });
      document.addEventListener('visibilitychange', update, { signal });
      signal.addEventListener('abort', () => take({ type: 'hidden' }), { once: true });
      update();
    },
    follow(taskId) {
      if (taskId === task) return;
      task = taskId;
      if (state.phase !== 'live' && state.phase !== 'connecting') return;
      connection?.abort();
      void connect();
    },
  };
}
