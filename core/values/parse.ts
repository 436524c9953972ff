/** Parses inputs and results by their schemas, and as JSON. It serves the server and the worker. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { TaskError } from '../error.ts';
import { MAX_INPUT_BYTES, MAX_JSON_DEPTH, MAX_RESULT_BYTES } from '../limits.ts';
import type { AnyTaskDefinition } from '../tasks/definition.ts';
import { cutIssues } from './issues.ts';
import { type JsonFault, type JsonOutcome, placeOf, toJson } from './json.ts';
import { cut } from './text.ts';

/** Longest path of an issue in a message, in characters. */
const MAX_PLACE_LENGTH = 100;

/** An input that was parsed once, before it is stored, so that a default is the same in the title and in each attempt. */
export interface ParsedInput {
  /** The parsed input, as JSON. */
  readonly text: string;
  /** The parsed input as a value, for the title. */
  readonly value: unknown;
  /** The raw input as JSON. Null if it is the same as `text`; '' if it does not survive JSON (it may contain a Date). */
  readonly raw: string | null;
}

/**
 * Parses `raw` by the schema of `definition`. The parsed value must survive JSON; `raw` itself need not.
 * @throws TaskError `invalid_input` (422) with its issues, `too_large` (413)
 */
export async function parseInput(definition: AnyTaskDefinition, raw: unknown): Promise<ParsedInput> {
  const rawJson = toJson(raw, MAX_INPUT_BYTES);
  // What is too large or too deep is refused before the schema sees it: schemas work by recursion, and the stack could overflow.
  if (!rawJson.ok && rawJson.fault.kind !== 'not_json') throw inputError(rawJson.fault);
  const parsed = await parseWith(definition.input, raw, 'invalid_input', 'The input');
  const text = expectJson(toJson(parsed, MAX_INPUT_BYTES), inputError);
  return { text, value: JSON.parse(text), raw: rawJson.ok ? (rawJson.text === text ? null : rawJson.text) : '' };
}

/**
 * Parses what a handler returned by the definition's `output`. Resolves with the result as it comes out of JSON.
 * @throws TaskError `invalid_output`, `invalid_result` or `result_too_large`, not retryable. Its message is for the owner and
 *   names no property. Its issues are for the log.
 */
export async function parseResult(definition: AnyTaskDefinition, returned: unknown): Promise<unknown> {
  const result = definition.output ? await checkOutput(definition.output, returned) : returned;
  // A handler that returns nothing has no result.
  return JSON.parse(expectJson(toJson(result ?? null, MAX_RESULT_BYTES), resultError));
}

/**
 * Parses `value` by `schema`.
 * @param what the start of the error's message: `The input`
 * @throws TaskError with `code`, not retryable, status 422 and the issues, cut as {@link cutIssues} does
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
