/** Checks of what an application passes to a task server: the definitions, and the arguments of `start` and `accepted`. */

import { type AnyTaskDefinition, isDefinition } from '../core/tasks/definition.ts';
import { isPriority } from '../core/tasks/definition-options.ts';
import type { Snapshot } from '../core/tasks/snapshot.ts';
import { type Duration, toMilliseconds } from '../core/values/duration.ts';
import { isObject, refuseOptions } from '../core/values/options.ts';
import { describe } from '../core/values/text.ts';

/** Longest `delay`, and latest `at`, counted from now: a year. When its time has come, a task may still wait in the line. */
const MAX_DELAY: Duration = '366d';

/**
 * @param caller the function that got them, for the message: `createTaskServer`
 * @throws ConfigError `invalid_options` for anything but a list of definitions with different names
 */
export function checkDefinitions(definitions: readonly AnyTaskDefinition[], caller: string): void {
  const expected = `${caller}: tasks must be a list of what defineTask gives`;
  if (!Array.isArray(definitions)) refuseOptions(`${expected}, got ${describe(definitions)}.`);
  for (const one of definitions as readonly unknown[]) {
    if (!isDefinition(one)) refuseOptions(`${expected}, got one with ${describe(one)}.`);
  }
  const names = definitions.map(({ name }) => name);
  const twice = names.find((name, n) => names.indexOf(name) < n);
  if (twice !== undefined) {
    refuseOptions(`${caller}: two task definitions have the same name, ${describe(twice)}. Rename one of them.`);
  }
}

/**
 * @param longest how long the backend keeps any outcome, in seconds
 * @throws ConfigError `invalid_options` for a definition that wants its outcomes kept longer: the lists of an owner expire
 *   after `longest`, and would not show those outcomes any more
 */
export function checkRetention(definitions: readonly AnyTaskDefinition[], longest: number): void {
  for (const { name, retention } of definitions) {
    for (const [outcome, ms] of Object.entries(retention ?? {})) {
      if (ms <= longest * 1_000) continue;
      refuseOptions(
        `defineTask(${describe(name)}): retention of ${outcome} tasks is ${ms / 1_000} s, longer than the ${longest} s of createBackend({ retention }). Give the backend the longest retention, and the other definitions shorter ones.`,
      );
    }
  }
}

/** Checks the definition, the priority and the start time. @throws ConfigError `invalid_options`, `invalid_duration` */
export function checkStart(definition: AnyTaskDefinition, options: unknown): void {
  if (!isDefinition(definition)) {
    refuseOptions(`start: expected a definition as defineTask gives it, got ${describe(definition)}.`);
  }
  if (!isObject(options)) {
    refuseOptions(`start(${definition.name}): expected options like { owner: userId }, got ${describe(options)}.`);
  }
  const { priority, delay, at } = options as { readonly [name: string]: unknown };
  if (priority !== undefined && !isPriority(priority)) {
    refuseOptions(`start(${definition.name}): priority must be 'high', 'normal' or 'low', got ${describe(priority)}.`);
  }
  if (delay !== undefined && at !== undefined) {
    refuseOptions(`start(${definition.name}): give either delay or at, not both.`);
  }
  if (delay !== undefined) toMilliseconds(delay as Duration, `start(${definition.name}): delay`, { max: MAX_DELAY });
  if (at === undefined) return;
  const ms = at instanceof Date ? at.getTime() : Number.NaN;
  if (!(ms <= Date.now() + toMilliseconds(MAX_DELAY))) {
    const got = at instanceof Date && !Number.isNaN(ms) ? at.toISOString() : describe(at);
    refuseOptions(`start(${definition.name}): at must be a Date, at most a year (${MAX_DELAY}) from now, got ${got}.`);
  }
}

/** `task` itself, if it is a snapshot. @throws ConfigError `invalid_options` */
export function checkAccepted(task: Snapshot): Snapshot {
  if (isObject(task) && typeof task.id === 'string') return task;
  const got = (task as unknown) instanceof Promise ? 'a promise: await it' : describe(task);
  return refuseOptions(`accepted: expected the snapshot that start resolves to, got ${got}.`);
}
