/**
 * What an adopter's own code passes, checked where it comes in: plain JavaScript may pass anything, and a mistake should
 * say what was expected and not look like an outage of Redis. It serves the operations and the task server.
 */

import { isBackend } from '../backend/backend.ts';
import type { AnyTaskDefinition } from '../core/definition.ts';
import { TaskError } from '../core/error.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { describe } from '../core/text.ts';
import type { TaskServerOptions } from './task-server.ts';

/** @throws TaskError `invalid_options` naming the option */
export function checkServerOptions(options: TaskServerOptions): void {
  const refuse = (name: keyof TaskServerOptions, expected: string) =>
    invalid(`createTaskServer: ${name} must be ${expected}, got ${describe(options[name])}.`);
  if (!isObject(options)) {
    invalid(`createTaskServer: expected options like { backend, tasks, identify }, got ${describe(options)}.`);
  }
  const { backend, identify, path, signal, limits } = options;
  if (!isBackend(backend)) refuse('backend', 'what createBackend gives');
  if (typeof identify !== 'function') refuse('identify', 'a function from a request to a user id or null');
  if (path !== undefined && typeof path !== 'string') refuse('path', 'a path like /tasks');
  if (signal !== undefined && !(signal instanceof AbortSignal)) refuse('signal', 'an AbortSignal');
  if (limits !== undefined && !isObject(limits)) refuse('limits', 'an object like { waiters: 1000 }');
}

/** @throws TaskError `invalid_options` */
export function checkDefinitions(definitions: readonly AnyTaskDefinition[]): void {
  if (Array.isArray(definitions) && definitions.every(isDefinition)) return;
  invalid(
    `createTaskServer: tasks must be a list of what defineTask gives, got ${
      Array.isArray(definitions)
        ? `one with ${describe(definitions.find((one) => !isDefinition(one)))}`
        : describe(definitions)
    }.`,
  );
}

/** @throws TaskError `invalid_options` */
export function checkStart(definition: AnyTaskDefinition, options: unknown): void {
  if (!isDefinition(definition)) {
    invalid(`start: expected a definition as defineTask gives it, got ${describe(definition)}.`);
  }
  if (!isObject(options)) {
    invalid(`start(${definition.name}): expected options like { owner: userId }, got ${describe(options)}.`);
  }
}

/** `task` itself, where it is one. @throws TaskError `invalid_options` */
export function checkAccepted(task: Snapshot): Snapshot {
  if (isObject(task) && typeof task.id === 'string') return task;
  const got = (task as unknown) instanceof Promise ? 'a promise: await it' : describe(task);
  return invalid(`accepted: expected the snapshot that start resolves to, got ${got}.`);
}

function isDefinition(value: unknown): value is AnyTaskDefinition {
  if (!isObject(value)) return false;
  const { name, titleOf } = value as Partial<AnyTaskDefinition>;
  return typeof name === 'string' && typeof titleOf === 'function';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function invalid(message: string): never {
  throw new TaskError('invalid_options', message, { retryable: false });
}
