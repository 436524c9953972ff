/**
 * Every limit inloop keeps, in one place, for whoever stores, sends or shows something.
 *
 * The push limits are those of hosted Pusher Channels (pusher.com/docs/channels, "limits"); they bind
 * on Soketi too, so that moving between the two is configuration and never a surprise.
 */

/** Hosted Pusher: largest event data, in bytes of UTF-8. */
export const MAX_EVENT_BYTES = 10_240;

/** Hosted Pusher: most events one batch request may carry. */
export const MAX_BATCH_EVENTS = 10;

/** Hosted Pusher: longest channel name, in characters. */
export const MAX_CHANNEL_LENGTH = 164;

/** Longest user id that may own tasks, in UTF-16 code units. Ours: far above any real id, so that keys stay small. */
export const MAX_OWNER_LENGTH = 1_024;

/** Longest task name, in characters of `a-z0-9-`. Ours: it becomes part of Redis keys and metrics labels. */
export const MAX_NAME_LENGTH = 64;

/** Texts a snapshot carries, in UTF-16 code units; longer ones are cut with an ellipsis. Together they always fit one event. */
export const MAX_TITLE_LENGTH = 200;
export const MAX_NOTE_LENGTH = 200;
export const MAX_ERROR_MESSAGE_LENGTH = 500;
export const MAX_ERROR_CODE_LENGTH = 64;

/**
 * Largest input, in bytes of JSON, both as it comes and as its schema gives it. Ours: an input names the work (an upload's
 * id), it does not carry it.
 */
export const MAX_INPUT_BYTES = 65_536;

/** Largest result, in bytes of JSON. Ours: a result is a summary and a link, not the file itself. */
export const MAX_RESULT_BYTES = 262_144;

/** How deep inputs and results may be nested. Ours: schemas, and JSON libraries of other languages, work by recursion. */
export const MAX_JSON_DEPTH = 256;

/** Most faults that the answer to a refused input tells, and how many bytes of JSON they may take together. */
export const MAX_ISSUES = 100;
export const MAX_ISSUE_BYTES = 16_384;

/** Longest duration, in ms: ten years. A longer one is taken for a mistake. */
export const MAX_DURATION_MS = 3_653 * 86_400_000;

/** Most tasks one list page may hold, and how many it holds unless told. */
export const MAX_PAGE_SIZE = 100;
export const DEFAULT_PAGE_SIZE = 20;

/**
 * Bytes of lists and big results that one owner may have under way at once in one process. Further ones wait. Ours: two pages
 * of a hundred tasks with the biggest results that a page holds, or eight of the biggest results. Redis sends and Node builds
 * about 100 MB a second, so one owner holds up the others for at most 20 ms.
 */
export const MAX_ANSWER_BYTES = 2_097_152;

/** Most ids one `seen` call may name. */
export const MAX_SEEN_IDS = 1_000;

/** Longest `Prefer: wait`, in seconds: under the 60 s after which common proxies give up. */
export const MAX_WAIT_SECONDS = 30;

/** Attempts a definition may ask for. */
export const MAX_ATTEMPTS = 100;

/** Longest Idempotency-Key, in characters. */
export const MAX_IDEMPOTENCY_KEY_LENGTH = 255;
