// Observes what the users of the chaos run are shown, and counts what must never happen.
import { isFinished, type Snapshot } from '../../../core/tasks/snapshot.ts';

/** What the clients were shown, and what of it must never happen. */
export interface Findings {
  /** The user of each accepted task, by its id. */
  readonly accepted: Map<string, string>;
  /** How often each outcome was announced to its owner. */
  readonly told: Map<string, number>;
  /** Tasks that a page showed in an older state than before. */
  readonly wentBack: string[];
  /** Tasks whose bar was full before they had an outcome. */
  readonly completeTooEarly: string[];
  /** Tasks that were shown or pushed to somebody who does not own them. */
  readonly toWrongUser: string[];
}

/** Nothing found yet. */
export function createFindings(): Findings {
  return { accepted: new Map(), told: new Map(), wentBack: [], completeTooEarly: [], toWrongUser: [] };
}

/** Checks each step that one client shows. One for each page that a client opens. */
export class ClientObserver {
  readonly #findings: Findings;
  readonly #user: string;
  readonly #last = new Map<string, Snapshot>();
  /** How far each task was, as it was last shown. */
  readonly #done = new Map<string, number>();

  constructor(findings: Findings, user: string) {
    this.#findings = findings;
    this.#user = user;
  }

  /** Checks what the client shows now. */
  check(tasks: readonly Snapshot[]): void {
    for (const task of tasks) {
      const before = this.#last.get(task.id);
      if (before === task) continue;
      this.#last.set(task.id, task);
      const owner = this.#findings.accepted.get(task.id);
      if (owner !== undefined && owner !== this.#user) {
        this.#findings.toWrongUser.push(`${task.id} of ${owner} is shown to ${this.#user}`);
      }
      if (isTooEarly(task)) this.#findings.completeTooEarly.push(describe(task));
      // `from` is where an attempt with a checkpoint went on. Its bar must not be behind that, nor behind what was shown before.
      const { from, done } = task.progress ?? {};
      if (from !== undefined && (done ?? 0) < Math.max(from, this.#done.get(task.id) ?? 0)) {
        this.#findings.wentBack.push(`${describe(task)}, on from ${from} after ${this.#done.get(task.id)}`);
      }
      if (done !== undefined) this.#done.set(task.id, done);
      if (before && wentBack(before, task)) this.#findings.wentBack.push(`${describe(before)} -> ${describe(task)}`);
    }
  }
}

/** Checks an event that Soketi sent to the client of `user`. */
export function checkEvent(findings: Findings, user: string, event: { channel: string; data: string }): void {
  const task = JSON.parse(event.data) as Snapshot;
  const owner = findings.accepted.get(task.id);
  if (event.channel !== `private-user-${user}` || (owner !== undefined && owner !== user)) {
    findings.toWrongUser.push(`${task.id} of ${owner} went to ${user} on ${event.channel}`);
  }
  if (isTooEarly(task)) findings.completeTooEarly.push(describe(task));
}

/** Notes that the owner was told of these outcomes. */
export function noteTold(findings: Findings, ids: readonly string[]): void {
  for (const id of ids) findings.told.set(id, (findings.told.get(id) ?? 0) + 1);
}

function isTooEarly(task: Snapshot): boolean {
  const { progress } = task;
  return !isFinished(task) && progress !== null && progress.total !== null && progress.done >= progress.total;
}

function wentBack(before: Snapshot, after: Snapshot): boolean {
  if (after.revision < before.revision || after.attempt < before.attempt) return true;
  if (isFinished(before) && after.status !== before.status) return true;
  if (after.attempt !== before.attempt || !before.progress || !after.progress) return false;
  return before.progress.stage === after.progress.stage && after.progress.done < before.progress.done;
}

function describe({ id, revision, status, attempt, progress }: Snapshot): string {
  return `${id} r${revision} ${status} #${attempt} ${progress ? `${progress.done}/${progress.total}` : '-'}`;
}
