/** Parses inputs and results by their schemas, and as JSON. It serves the server and the worker. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AnyTaskDefinition } from './definition.ts';
import { TaskError } from './error.ts';
import { cutIssues } from './issues.ts';
import { type JsonFault, type JsonOutcome, placeOf, toJson } from './json.ts';
import { MAX_INPUT_BYTES, MAX_JSON_DEPTH, MAX_RESULT_BYTES } from './limits.ts';
import { cut } from './text.ts';

/** Of the place of a fault, in a message. In characters. */
const MAX_PLACE_LENGTH = 100;

/** An input as it is stored: parsed once, so that a default is the same in the title and in each attempt. */
export interface ParsedInput {
  /** The parsed input, as JSON. */
  readonly text: string;
  /** The same as a value. The title is made of it, and the handler gets it. */
  readonly value: unknown;
  /** The raw input as JSON. Null if it is the same as the parsed one; '' if it is no JSON (it may hold a Date, say). */
  readonly raw: string | null;
}

/**
 * Parses `raw` by the schema of `definition`. The parsed value must survive JSON; `raw` itself need not.
 * @throws TaskError `invalid_input` (422) with each fault, `too_large` (413)
 */
export async function parseInput(definition: AnyTaskDefinition, raw: unknown): Promise<ParsedInput> {
  const came = toJson(raw, MAX_INPUT_BYTES);
  // Schemas work by recursion. So they never get anything that could overflow the stack.
  if (!came.ok && came.fault.kind !== 'not_json') throw inputError(came.fault);
  const parsed = await parseWith(definition.input, raw, 'invalid_input', 'The input');
  const text = expectJson(toJson(parsed, MAX_INPUT_BYTES), inputError);
  return { text, value: JSON.parse(text), raw: came.ok ? (came.text === text ? null : came.text) : '' };
}

/**
 * What a handler returned, as the definition's schema gives it and as JSON has it.
 * @throws TaskError `invalid_output`, `invalid_result` or `result_too_large`, not retryable; the message is for the
 *   owner and names no property, the issues are for the log
 */
export async function parseResult(definition: AnyTaskDefinition, returned: unknown): Promise<unknown> {
  const result = definition.output ? await checkOutput(definition.output, returned) : returned;
  // A handler that returns nothing has no result.
  return JSON.parse(expectJson(toJson(result ?? null, MAX_RESULT_BYTES), resultError));
}

/**
 * `value` as `schema` has it.
 * @throws TaskError with `code`, not retryable, status 422 and the faults with their paths: at most 100, all of them cut
 *   to a few kilobytes
 */
export async function parseWith<S extends StandardSchemaV1>(
  schema: S,
  value: unknown,
  code: string,
  what: string,
): Promise<StandardSchemaV1.InferOutput<S>> {
  const outcome = await schema['~standard'].validate(value);
  if (!outcome.issues) return outcome.value;
  const issues = cutIssues(outcome.issues);
  const first = issues[0];
  const where = first && first.path.length > 0 ? ` at ${cut(first.path.join('.'), MAX_PLACE_LENGTH)}` : '';
  throw new TaskError(code, `${what} does not fit${where}: ${first?.message ?? 'it was refused'}`, {
    retryable: false,
    status: 422,
    issues,
  });
}

async function checkOutput(schema: StandardSchemaV1, returned: unknown): Promise<unknown> {
  try {
    return await parseWith(schema, returned, 'invalid_output', 'What the task returned');
  } catch (error) {
    if (!(error instanceof TaskError && error.code === 'invalid_output')) throw error;
    throw new TaskError(error.code, 'The task ended, but with something else than it promises.', {
      retryable: false,
      issues: error.issues,
    });
  }
}

function expectJson(outcome: JsonOutcome, toError: (fault: JsonFault) => TaskError): string {
  if (outcome.ok) return outcome.text;
  throw toError(outcome.fault);
}

function inputError(fault: JsonFault): TaskError {
  if (fault.kind === 'too_large') {
    return new TaskError(
      'too_large',
      `The input is larger than ${MAX_INPUT_BYTES} bytes of JSON. Store the data and pass its id.`,
      { retryable: false, status: 413 },
    );
  }
  const message =
    fault.kind === 'too_deep'
      ? `The input is nested deeper than ${MAX_JSON_DEPTH} levels. Make it flatter.`
      : `The input must survive JSON as its schema gives it, and ${cut(placeOf(fault), MAX_PLACE_LENGTH)} ${fault.message}. A schema can do so in a transform.`;
  return new TaskError('invalid_input', message, {
    retryable: false,
    status: 422,
    issues: cutIssues([fault]),
  });
}

function resultError(fault: JsonFault): TaskError {
  const options = { retryable: false, issues: cutIssues([fault]) };
  return fault.kind === 'too_large'
    ? new TaskError('result_too_large', 'The task ended, but its result is larger than what is kept.', options)
    : new TaskError('invalid_result', 'The task ended, but its result is of a kind that cannot be kept.', options);
}
