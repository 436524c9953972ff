/** What the operator's page says about tasks: statuses, reasons why they are stuck, stories, acts. English only. Pure. */

import type { Tone } from '../../../client/headless/words/describe.ts';
import { isolate } from '../../../client/headless/words/plain-text.ts';
import { ENGLISH, plural } from '../../../client/headless/words/wording.ts';
import type { Act, ActResult, ActTarget } from '../../../core/operator/acts.ts';
import type { StuckReason } from '../../../core/operator/stuck.ts';
import type { StoryEntry } from '../../../core/operator/task-details.ts';
import type { TaskRow } from '../../../core/operator/tasks.ts';
import type { Status } from '../../../core/tasks/snapshot.ts';
import { AGES, type ListFilter } from '../route.ts';

const LOCALE = 'en';
const format = new Intl.NumberFormat(LOCALE);

/** A number with separators: "1,234". */
export const formatNumber = (count: number): string => format.format(count);

/** A rate: "2.5", "1,234". */
export const withOneDecimal = (value: number): string => formatNumber(Math.round(value * 10) / 10);

/** A number of things: "1 run", "1,234 runs". */
export const counted = (count: number, one: string, other = `${one}s`): string =>
  `${formatNumber(count)} ${plural(LOCALE, count, { one, other })}`;

/** "1 task", "1,234 tasks". */
export const taskCount = (count: number): string => counted(count, 'task');

/** The end of an id. The beginning would not do: all ids that were made within about a minute begin with the same digits. */
export const shortId = (id: string): string => (id.length > 12 ? `…${id.slice(-8)}` : id);

/** A status in a word or two, as the tray says it, but without an ellipsis at its end. */
export const statusWord = (status: Status): string => ENGLISH[status].replace('…', '');

/** How a status looks. A success that left something out is `partial`. */
export function toneOf({ status, progress }: Pick<TaskRow, 'status' | 'progress'>): Tone {
  const tones: Record<Status, Tone> = {
    queued: 'waiting',
    running: 'active',
    retrying: 'warning',
    cancelling: 'neutral',
    succeeded: progress?.skipped || progress?.failed ? 'partial' : 'good',
    failed: 'bad',
    cancelled: 'neutral',
  };
  return tones[status];
}

/** How far a task is: "42 of 256, 3 skipped"; '' if it has no progress. */
export function progressWords({ progress, status }: Pick<TaskRow, 'progress' | 'status'>): string {
  if (!progress) return '';
  const { done, total, skipped, failed, stage } = progress;
  const parts = [ENGLISH.done(done, status === 'succeeded' ? null : total)];
  if (skipped) parts.push(ENGLISH.skipped(skipped));
  if (failed) parts.push(ENGLISH.failedCount(failed));
  if (stage && status === 'running') parts.unshift(stage);
  return parts.join(', ');
}

/** Why something is stuck, and what cures it. */
export const STUCK: Readonly<Record<StuckReason, { readonly why: string; readonly cure: string }>> = {
  'no-worker': {
    why: 'No running worker handles it',
    cure: 'Start a worker that handles this definition, or deploy the version that does. The tasks then start by themselves.',
  },
  paused: {
    why: 'An operator has paused it',
    cure: 'Resume the definition. The tasks then start in the order in which they wait.',
  },
  line: {
    why: 'It has waited for a free worker for more than a minute',
    cure: 'Add workers, or raise their concurrency. If this passes by itself, nothing is wrong.',
  },
  'no-sign-of-life': {
    why: 'Its worker is gone, or has given no sign of life for 30 s',
    cure: 'Wait a minute: the tasks of a worker that is gone start again elsewhere. If it stays, look at that worker.',
  },
  blocked: {
    why: 'The event loop of its worker is blocked',
    cure: 'A handler on that worker keeps it busy. Let it await something now and then, or do the heavy part in a worker thread. Restart the worker if it does not end.',
  },
  'concurrency-key': {
    why: 'Another task with the same concurrency key is at work',
    cure: 'It starts when that one ends. Cancel that one if it should not go on.',
  },
  children: {
    why: 'It waits for the tasks that it has started',
    cure: 'Look at its children: one that is stuck holds it up. Cancel those that are not needed.',
  },
  cancelling: {
    why: 'It was told to stop, and does not',
    cure: 'Its handler does not heed its signal. Restart the worker to end it at once.',
  },
  'push-backlog': {
    why: 'Outcomes are stored that the bus has not taken',
    cure: 'Look at the bus: is it up, and within its quota? Nothing is lost. It is pushed as soon as the bus takes it.',
  },
};

/** What an entry of a story says, without its time. */
export function storyWords({ type, attempt, code }: StoryEntry): string {
  const because = code ? `: ${isolate(code)}` : '';
  switch (type) {
    case 'accepted':
      return 'Accepted';
    case 'started':
      return `Attempt ${attempt} started`;
    case 'failed-attempt':
      return `Attempt ${attempt} failed${because}`;
    case 'crashed':
      return `The worker died during attempt ${attempt}${because}`;
    case 'handed-back':
      return `Attempt ${attempt} was handed back, since its worker stopped or died`;
    case 'waits-for-children':
      return 'The handler has returned; it waits for its children';
    case 'cancelling':
      return 'Told to stop';
    case 'succeeded':
      return 'Done';
    case 'failed':
      return `Failed${because}`;
    case 'cancelled':
      return 'Cancelled';
    case 'pushed':
      return 'Pushed to the pages of its owner';
    case 'seen':
      return 'Seen by its owner';
    default:
      // A newer server may know more types.
      return type;
  }
}

/** How an entry of a story looks. */
export function storyTone({ type }: StoryEntry): Tone {
  if (type === 'succeeded') return 'good';
  if (type === 'failed' || type === 'crashed') return 'bad';
  if (type === 'failed-attempt' || type === 'handed-back') return 'warning';
  return type === 'started' ? 'active' : 'neutral';
}

/** The label of the button that opens the dialog of an act. */
export const ACT: Readonly<Record<Act, string>> = {
  retry: 'Retry',
  cancel: 'Cancel',
  forget: 'Forget owner',
  pause: 'Pause',
  resume: 'Resume',
};

const DONE: Readonly<Record<Act, string>> = {
  retry: 'Retried',
  cancel: 'Cancelled',
  forget: 'Removed',
  pause: 'Paused',
  resume: 'Resumed',
};

/**
 * What an act would do, in a sentence.
 * @param count how many tasks it would change; 0 for `pause` and `resume`
 * @param isCountComplete false if there are more than `count`
 */
export function previewWords(act: Act, target: ActTarget, count: number, isCountComplete: boolean): string {
  const many = `${isCountComplete ? '' : 'more than '}${taskCount(count)}`;
  switch (act) {
    case 'retry':
      return count ? `This starts ${many} again, each as a new task.` : 'No task that matches can be retried.';
    case 'cancel':
      return count ? `This cancels ${many}.` : 'No task that matches can be cancelled.';
    case 'forget':
      return `This erases all that is stored of this owner: ${many}. It cannot be undone.`;
    case 'pause':
      return `Workers take no more tasks of ${nameOf(target)} until it is resumed. New tasks are accepted and wait. Tasks that run go on.`;
    case 'resume':
      return `Workers take tasks of ${nameOf(target)} again.`;
  }
}

const nameOf = (target: ActTarget) => ('name' in target ? target.name : 'it');

/** The label of the button in the dialog that starts the act. */
export function confirmWords(act: Act, count: number): string {
  if (act === 'forget') return 'Erase for ever';
  return act === 'pause' || act === 'resume' ? ACT[act] : `${ACT[act]} ${taskCount(count)}`;
}

/** How many tasks an act has changed, and how many it could not change. */
type Counts = Pick<ActResult, 'done' | 'refused'>;

/** What an act has done, in a sentence. */
export function doneWords(act: Act, target: ActTarget, { done, refused }: Counts): string {
  const what = act === 'pause' || act === 'resume' ? nameOf(target) : taskCount(done);
  return `${DONE[act]} ${what}.${refused ? ` ${formatNumber(refused)} could not be.` : ''}`;
}

/** What an act has done, in a sentence, if it was stopped or failed before its end. */
export function stoppedWords(act: Act, target: ActTarget, counts: Counts): string {
  return `${doneWords(act, target, counts)} The rest is as it was.`;
}

/** Words of a refusal, by its code; other codes show what the server says. */
export const REFUSALS: Readonly<Record<string, string>> = {
  not_cancellable: 'has ended',
  not_retryable: 'has not failed, or was retried before',
  too_many_tasks: 'its owner has too many tasks',
  not_found: 'is not there any more',
};

/** The age of a filter in words. */
export function ageWords(age: ListFilter['age']): string {
  if (!age) return 'Any time';
  const isOver = age.startsWith('over-');
  const seconds = AGES[(isOver ? age.slice(5) : age) as keyof typeof AGES];
  return `${isOver ? 'Before the last' : 'In the last'} ${ENGLISH.duration(seconds)}`;
}
