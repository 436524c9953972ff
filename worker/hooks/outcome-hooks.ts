/**
 * Runs code of the application for outcomes: `worker.onOutcome`, `worker.onUnseen`. It serves the worker.
 *
 * Each hook has a list of outcomes in Redis (backend/hooks/hook-queue.ts). A worker asks for what is due every second, runs
 * the hook, and takes the outcome off the list. If the hook throws, the outcome is due again after 1, 2, 4 … s, at most an
 * hour, until the task is no longer kept. If the process dies, another worker takes the outcome when the lease is over.
 *
 * So a hook runs once for each outcome as long as nothing fails, and at least once in any case, in no certain order.
 */

import type { Emitter } from '../../backend/events/events.ts';
import { OUTCOME_HOOK, type OwnedOutcome, unseenHook } from '../../backend/hooks/hook-queue.ts';
import type { Time } from '../../backend/time.ts';
import type { OutcomeSnapshot } from '../../core/tasks/snapshot.ts';
import { backoff } from '../../core/values/backoff.ts';

/** How often a worker asks for what is due. */
const POLL_MS = 1_000;
/** One worker runs each hook for at most this many outcomes at the same time. */
const MOST_AT_ONCE = 10;
/** How often a worker says that it runs its hooks. A hook that nobody names any more gets no outcomes after the retention. */
const REGISTER_MS = 60_000;
/** The wait after a hook has failed. */
const RETRY = { initial: 1_000, max: 3_600_000 };

/** What a hook gets beside the outcome. */
export interface HookContext {
  /** The user whose task it was. */
  readonly owner: string;
  /** How often the hook was called for this outcome, this time included. Above 1, an earlier call may have done its work. */
  readonly tries: number;
  /** Aborted when the worker must stop. A hook that throws then is called again elsewhere. */
  readonly signal: AbortSignal;
}

/** Called with a task that has ended, with its whole result. If it throws or rejects, it is called again later. */
export type OutcomeHandler = (task: OutcomeSnapshot, context: HookContext) => unknown;

/** A hook, under the name by which Redis knows it. */
export interface Hook {
  readonly kind: 'outcome' | 'unseen';
  readonly name: string;
  readonly handler: OutcomeHandler;
}

/** What is needed of the lists in Redis. Each method rejects while Redis is away. */
export interface HookPorts {
  readonly queue: {
    /** How long outcomes are kept, in ms. */
    readonly retentionMs: number;
    register(hooks: readonly string[]): Promise<void>;
    take(
      hook: string,
      limit: number,
      leaseMs: number,
    ): Promise<readonly { readonly id: string; readonly tries: number }[]>;
    read(id: string): Promise<OwnedOutcome | null>;
    postpone(hook: string, id: string, ms: number): Promise<void>;
    finish(hook: string, id: string): Promise<void>;
  };
  readonly clock: { now(): number };
  readonly time: Pick<Time, 'elapsed' | 'delay' | 'within' | 'every'>;
  readonly events: Emitter;
  /** A number from 0 to below 1. */
  readonly random: () => number;
}

/** The hook of `worker.onOutcome`. */
export function outcomeHook(handler: OutcomeHandler): Hook {
  return { kind: 'outcome', name: OUTCOME_HOOK, handler };
}

/** The hook of `worker.onUnseen`. @param afterMs how long an outcome may stay unseen */
export function unseenOutcomeHook(afterMs: number, handler: OutcomeHandler): Hook {
  return { kind: 'unseen', name: unseenHook(afterMs), handler };
}

/** Resolves when one of `calls` has ended, or when `stop` aborts. */
function waitForAny(calls: Iterable<Promise<void>>, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stop.removeEventListener('abort', done);
      resolve();
    };
    stop.addEventListener('abort', done, { once: true });
    if (stop.aborted) done();
    for (const call of calls) void call.then(done);
  });
}

export class OutcomeHooks {
  readonly #ports: HookPorts;
  readonly #hooks: readonly Hook[];
  readonly #leaseMs: number;
  readonly #giveUp = new AbortController();
  /** The calls that run, of all hooks. */
  readonly #running = new Set<Promise<void>>();

  /**
   * @param leaseMs for how long the worker takes an outcome. It renews the lease while the hook runs; if it dies, another
   *   worker takes the outcome after this time
   */
  constructor(hooks: readonly Hook[], leaseMs: number, ports: HookPorts) {
    this.#hooks = hooks;
    this.#leaseMs = leaseMs;
    this.#ports = ports;
  }

  /**
   * Registers the hooks, however long Redis is away: tasks that end from then on get on their lists. Resolves early if `stop`
   * aborts. Never rejects.
   */
  async register(stop: AbortSignal): Promise<void> {
    if (this.#hooks.length === 0) return;
    while (!stop.aborted && !(await this.#tryRegister())) await this.#ports.time.delay(POLL_MS, stop);
  }

  /**
   * Runs the hooks for what is due until `stop` aborts, then lets the calls that run finish for at most `drain` ms. Never
   * rejects.
   */
  async run(stop: AbortSignal, drain: number): Promise<void> {
    if (this.#hooks.length === 0) return;
    const { time } = this.#ports;
    const stopRegistering = time.every(REGISTER_MS, () => void this.#tryRegister());
    await Promise.all(this.#hooks.map((hook) => this.#serve(hook, stop)));
    stopRegistering();
    await time.within(Promise.all(this.#running), drain).catch(() => undefined);
    this.#giveUp.abort();
    // What ignores the signal is called again elsewhere once the lease is over.
    await time.within(Promise.all(this.#running), POLL_MS).catch(() => undefined);
  }

  async #tryRegister(): Promise<boolean> {
    return this.#ports.queue.register(this.#hooks.map(({ name }) => name)).then(
      () => true,
      () => false,
    );
  }

  /** Runs one hook for what is due, until `stop` aborts. */
  async #serve(hook: Hook, stop: AbortSignal): Promise<void> {
    const { queue, time } = this.#ports;
    const own = new Set<Promise<void>>();
    while (!stop.aborted) {
      const free = MOST_AT_ONCE - own.size;
      const due = free > 0 ? await queue.take(hook.name, free, this.#leaseMs).catch(() => []) : [];
      for (const { id, tries } of due) {
        const call = this.#call(hook, id, tries).finally(() => {
          own.delete(call);
          this.#running.delete(call);
        });
        own.add(call);
        this.#running.add(call);
      }
      // If more may be due, asks again as soon as a call has ended.
      if (due.length < free) await time.delay(POLL_MS, stop);
      else await waitForAny(own, stop);
    }
  }

  /** Runs the hook for one outcome, and renews its lease meanwhile. Never rejects: what fails makes the outcome due again. */
  async #call(hook: Hook, id: string, tries: number): Promise<void> {
    const { queue, time } = this.#ports;
    const renew = () => void queue.postpone(hook.name, id, this.#leaseMs).catch(() => undefined);
    const stopRenewing = time.every(this.#leaseMs / 3, renew);
    try {
      const outcome = await queue.read(id);
      if (outcome === null || (hook.kind === 'unseen' && outcome.snapshot.seenAt !== null))
        await queue.finish(hook.name, id);
      else await this.#handle(hook, outcome, tries);
    } catch {
      // Redis is away. The outcome is due again when the lease is over.
    } finally {
      stopRenewing();
    }
  }

  /** Calls the application's function, then takes the outcome off the list, or makes it due again. */
  async #handle({ kind, name, handler }: Hook, { snapshot, owner }: OwnedOutcome, tries: number): Promise<void> {
    const { queue, events, random, clock } = this.#ports;
    const { signal } = this.#giveUp;
    const about = { hook: kind, task: snapshot.id, name: snapshot.name, tries };
    try {
      await handler(snapshot, { owner, tries, signal });
    } catch (error) {
      const retryMs = signal.aborted ? 0 : backoff(tries, RETRY, random());
      events.emit('hook.failed', () => ({ ...about, retrySeconds: retryMs / 1_000 }), { error });
      await queue.postpone(name, snapshot.id, retryMs);
      return;
    }
    const delaySeconds = (clock.now() - Date.parse(snapshot.finishedAt)) / 1_000;
    events.emit('hook.ran', () => ({ ...about, delaySeconds }));
    await this.#finish(name, snapshot.id);
  }

  /** Takes an outcome off the list. While Redis is away, tries again as long as the lease lasts: the hook must not run twice. */
  async #finish(name: string, id: string): Promise<void> {
    const { queue, time } = this.#ports;
    for (let tries = 1; ; tries++) {
      try {
        return await queue.finish(name, id);
      } catch (error) {
        if (tries * POLL_MS > this.#leaseMs || this.#giveUp.signal.aborted) throw error;
        await time.delay(POLL_MS, this.#giveUp.signal);
      }
    }
  }
}
