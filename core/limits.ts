/**
 * The limits that several parts of inloop keep, in one place.
 *
 * Some are limits of hosted Pusher Channels (pusher.com/docs/channels, "limits"). They also hold on Soketi, so that moving
 * from one to the other takes only other environment variables. inloop has chosen all others itself.
 */

/** Hosted Pusher: largest event data, in bytes of UTF-8. */
export const MAX_EVENT_BYTES = 10_240;

/** Hosted Pusher: most events one batch request may carry. */
export const MAX_BATCH_EVENTS = 10;

/** Hosted Pusher: longest channel name, in characters. */
export const MAX_CHANNEL_LENGTH = 164;

/** Longest name of an owner, in UTF-16 code units. Longer than any real user id, and short enough for a key in Redis. */
export const MAX_OWNER_LENGTH = 1_024;

/** Longest name of a task definition or a stage, in characters. Names of definitions are part of Redis keys and metrics. */
export const MAX_NAME_LENGTH = 64;

/** Longest texts in a snapshot, in UTF-16 code units. Longer ones end in an ellipsis. Together they always fit one event. */
export const MAX_TITLE_LENGTH = 200;
export const MAX_NOTE_LENGTH = 200;
export const MAX_ERROR_MESSAGE_LENGTH = 500;
export const MAX_ERROR_CODE_LENGTH = 64;

/**
 * Largest input, in bytes of JSON, both before and after its schema has transformed it. An input only names the data (an
 * upload's id) and does not contain it.
 */
export const MAX_INPUT_BYTES = 65_536;

/** Largest result, in bytes of JSON. A result is a summary and a link, not the file itself. */
export const MAX_RESULT_BYTES = 262_144;

/** Largest checkpoint, in bytes of JSON. A checkpoint says where to go on: a row's number, a cursor, a few counts. */
export const MAX_CHECKPOINT_BYTES = 16_384;

/** How deep inputs, results and checkpoints may be nested. Schemas and many JSON libraries read them by recursion. */
export const MAX_JSON_DEPTH = 256;

/** Most issues in the answer to a refused input: what is wrong with it, and where. */
export const MAX_ISSUES = 100;

/** Most bytes of JSON that these issues take together. */
export const MAX_ISSUE_BYTES = 16_384;

/** Longest duration, in ms: ten years, which are at most 3,653 days. A longer one can only be a mistake, so it is refused. */
export const MAX_DURATION_MS = 3_653 * 86_400_000;

/** Most tasks on one page of a list. */
export const MAX_PAGE_SIZE = 100;

/** Tasks on one page of a list if the request names no `limit`. */
export const DEFAULT_PAGE_SIZE = 20;

/**
 * Most bytes of lists and big results that one process reads for one owner at the same time. Further requests of the owner
 * wait. 2 MiB are two pages of 100 tasks whose results have 10 KiB each, or eight results of 256 KiB. Redis sends and Node
 * builds about 100 MB a second, so one owner delays the others by at most 20 ms.
 */
export const MAX_ANSWER_BYTES = 2_097_152;

/** Most ids one `seen` call may name. */
export const MAX_SEEN_IDS = 1_000;

/**
 * Most tasks that an owner's pages are told of when one call or act removes tasks: the newest ones. A page holds 500 outcomes,
 * unless its user has asked for more. It learns of further removed tasks at its next fetch, or when its user acts on one of them.
 */
export const MAX_DISMISSED_TOLD = 1_000;

/** Longest `Prefer: wait`, in seconds: less than the 60 s after which common proxies give up. */
export const MAX_WAIT_SECONDS = 30;

/** Most children of one task, counted over all its attempts. One script reads their ids when the task is cancelled. */
export const MAX_CHILDREN = 1_000;

/** Most levels of a family: a task, its children, and their children. The last ones may not start tasks. */
export const MAX_TASK_DEPTH = 3;

/** Longest key of a child, in characters. */
export const MAX_CHILD_KEY_LENGTH = 255;

/** Most attempts that a definition may give a task. */
export const MAX_ATTEMPTS = 100;

/** Longest Idempotency-Key, in characters. */
export const MAX_IDEMPOTENCY_KEY_LENGTH = 255;
