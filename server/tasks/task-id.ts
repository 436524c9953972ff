/** Ids of tasks. They sort by the time of creation, also those that one process makes within one millisecond. */

import { v7 } from 'uuid';

/** A new id, a UUID of version 7. It is greater than all that this process has made, even if the clock was set back. */
export function newTaskId(): string {
  return v7();
}

/** Whether `text` could be the id of a task. */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}
