// One attempt with stand-ins for the store, the turns and the time: no Redis, no waiting. For the tests of attempts.
import { z } from 'zod';
import { Events } from '../../../backend/events/events.ts';
import { guardLog, type Log } from '../../../backend/log/log.ts';
import type { TaskError } from '../../../core/error.ts';
import { type AnyTaskDefinition, defineTask } from '../../../core/tasks/definition.ts';
import type { TaskEvent } from '../../../core/tasks/transition.ts';
import { Attempt } from '../../../worker/attempt/attempt.ts';
import type { Handler } from '../../../worker/context.ts';
import { LookTimer } from '../../../worker/progress/look-timer.ts';
import { recordLog } from '../log.ts';
import { time as at } from '../task-events.ts';
import { FakeTime, settled } from './fake-time.ts';
import { FakeChanges, FakeTurns, startedRecord } from './fake-worker-ports.ts';

/** The grace of each attempt. */
export const GRACE_MS = 1_000;
/** A definition that takes and gives anything, and has one attempt. */
export const anyTask = defineTask({ name: 'any', input: z.any(), attempts: 1 });

/** What a test wants to be different. */
export interface Setting {
  readonly definition?: AnyTaskDefinition;
  /** The stored input: as its schema made it, and as it came (`raw`). Both are `{}` by default. */
  readonly stored?: { readonly input: unknown; readonly raw: unknown };
  readonly log?: Log;
  /** Called before the store takes an event; may throw. */
  readonly before?: (event: TaskEvent) => void;
  /** For how long handlers have blocked the event loop that all of them share, in ms. */
  readonly sharedBlockMs?: () => number;
  /** What the attempt gets as its random number, from 0 to below 1. */
  readonly random?: number;
}

/**
 * Starts one attempt. Of what it returns, `moreTime` has each extension of the deadline that the attempt asked for, in ms. `stuck`
 * has the errors with which the attempt counts as stuck. Aborting `giveUp` makes it give up.
 */
export function beginAttempt(handler: Handler<AnyTaskDefinition>, setting: Setting = {}) {
  const { definition = anyTask, log = recordLog(), stored, before, sharedBlockMs = () => 0, random = 0 } = setting;
  const time = new FakeTime();
  const record = startedRecord(definition, stored);
  const changes = new FakeChanges(record.snapshot);
  changes.before = before ?? null;
  const moreTime: number[] = [];
  const stuck: TaskError[] = [];
  const giveUp = new AbortController();
  let isDone = false;
  const attempt = new Attempt({
    ports: {
      changes,
      children: { create: async () => ({ result: 'refused', why: 'stale' }), announce: () => undefined },
      turns: new FakeTurns(time),
      lookTimer: new LookTimer(time),
      accuracy: 0.01,
      clock: { iso: (ms = 0) => at((time.elapsed() + ms) / 1_000) },
      time,
      events: new Events(guardLog(log)),
      random: () => random,
    },
    definition,
    handler,
    record,
    watched: false,
    grace: GRACE_MS,
    giveUp: giveUp.signal,
    sharedBlockMs,
    span: null,
    onMoreTime: (ms) => moreTime.push(ms),
    onStuck: (error) => stuck.push(error),
  });
  void attempt.done.then(() => {
    isDone = true;
  });
  return {
    ...{ attempt, changes, time, moreTime, stuck, giveUp },
    get isDone() {
      return isDone;
    },
    get snapshot() {
      return changes.snapshot;
    },
  };
}

/** Runs one attempt to its end, which comes within 10 s. */
export async function runAttempt(handler: Handler<AnyTaskDefinition>, setting: Setting = {}) {
  const running = beginAttempt(handler, setting);
  await settled();
  for (let steps = 0; !running.isDone && steps < 100; steps++) await running.time.advance(100);
  if (!running.isDone) throw new Error('The attempt does not end.');
  const { snapshot, moreTime, changes } = running;
  return { snapshot, moreTime, events: changes.events };
}

/** What is stored of an input that its schema did not change. */
export const storedUnchanged = (input: unknown) => ({ input, raw: input });
