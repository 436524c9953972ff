/**
 * The time that a run of handlers goes by: a fake one that moves by itself, or that of the global timers where the test has
 * faked them (`jest.useFakeTimers`, `vi.useFakeTimers`, `mock.timers`) and moves them itself.
 */

import { systemTime, type Time } from '../../backend/time.ts';
import { ConfigError } from '../../core/config-error.ts';
import { describe } from '../../core/values/text.ts';
import type { Jump } from './fake-time.ts';
import { passTime } from './pass-time.ts';
import { areTimersFaked } from './real-timers.ts';
import { createTestClock, type TestClock, timeOf } from './test-clock.ts';

export interface TestTime {
  readonly time: Time;
  /** The time of day, in ms since 1970. */
  now(): number;
  /** Resolves after `ms`, or when `signal` aborts. A time that moves by itself may jump to the end of it. */
  delay(ms: number, jump: Jump, signal?: AbortSignal): Promise<void>;
  /** Lets the time pass until `end` settles. */
  pass(end: Promise<unknown>): Promise<void>;
}

/**
 * The time of `clock`; without one the time of the global timers if they are faked, and otherwise of a new clock.
 * @param caller for the message of the error
 * @throws ConfigError `invalid_options` if `clock` does not come from `createTestClock`
 */
export function chooseTime(clock: TestClock | undefined, caller: string): TestTime {
  if (clock === undefined && areTimersFaked()) {
    return {
      time: systemTime,
      now: () => Date.now(),
      delay: (ms, _jump, signal) => systemTime.delay(ms, signal),
      pass: async (end) => void (await end.catch(() => undefined)),
    };
  }
  const chosen = clock ?? createTestClock();
  const time = timeOf(chosen);
  if (!time) {
    throw new ConfigError(
      'invalid_options',
      `${caller}: clock must be what createTestClock gives, got ${describe(clock)}.`,
    );
  }
  return {
    time,
    now: chosen.now,
    delay: (ms, jump, signal) => time.awaitedDelay(ms, jump, signal),
    pass: (end) => passTime(time, end),
  };
}
