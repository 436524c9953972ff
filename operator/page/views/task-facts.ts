/** What the page of one task lists under "Facts": a name and a value each. It serves `task-view.ts`. */

import type { TaskDetails } from '../../../core/operator/task-details.ts';
import { ago, box, type Content, clock, link, own, text } from '../dom/elements.ts';
import { hrefOf, listHref } from '../route.ts';
import { betweenWords } from '../words/times.ts';
import { counted, number } from '../words/words.ts';

/** The facts of a task. Those without a value are left out. @param now the server's time, in milliseconds since 1970 */
export function factsOf({ task, facts: known }: TaskDetails, now: number): (readonly [name: string, Content])[] {
  const { error, startedAt, finishedAt } = task;
  const { worker, gate, children, ahead } = known;
  const time = (at: string | null) => at && [clock(at, now), ' · ', ago(at, now)];
  const taskLink = (id: string | null) => id && [link(hrefOf({ view: 'task', id }), id)];
  const facts: readonly (readonly [name: string, content: Content | null | '' | false])[] = [
    ['Error', error && [box('b', '', own(error.code)), ': ', own(error.message)]],
    ['Definition', [link(listHref({ name: task.name }), own(task.name))]],
    ['Owner', [link(listHref({ owner: task.owner }), own(task.owner))]],
    ['Created', time(task.createdAt)],
    ['Started', time(startedAt)],
    ['Due', time(task.dueAt)],
    ['Ended', time(finishedAt)],
    ['Took', startedAt !== null && finishedAt !== null && [betweenWords(startedAt, finishedAt)]],
    ['Last sign of life', finishedAt === null && time(task.signOfLifeAt)],
    ['Seen by its owner', time(task.seenAt)],
    ['Attempt', [attemptWords(task, known)]],
    ['Worker', worker && workerWords(worker)],
    ['In line', ahead !== null && [`${number(ahead)} ahead of it`]],
    ['Concurrency key', gate && [own(gate.name), ` (${number(gate.limit)} at a time)`]],
    ['Children', children && [childrenWords(children)]],
    ['Started by', taskLink(known.parent)],
    ['Retry of', taskLink(known.retryOf)],
    ['Retried by', taskLink(known.retriedBy)],
    ['Push', known.isUnpushed && ['The bus has not taken its latest push']],
    ['Id', [task.id]],
  ];
  return facts.flatMap(([name, content]) => (content ? [[name, content] as const] : []));
}

function attemptWords({ attempt, attempts }: TaskDetails['task'], { runs, crashes }: TaskDetails['facts']): string {
  const died = crashes > 0 ? `, ${counted(crashes, 'crash', 'crashes')} of its worker` : '';
  return `${number(attempt)} of ${number(attempts)}, ${counted(runs, 'run')}${died}`;
}

function childrenWords({ ended, total, failed }: NonNullable<TaskDetails['facts']['children']>): string {
  return `${number(ended)} of ${number(total)} ended, ${number(failed)} failed`;
}

function workerWords({ id, isAlive, blockedSeconds }: NonNullable<TaskDetails['facts']['worker']>): Content {
  if (!isAlive) return [id, text('span', ', gone', 'bad')];
  return blockedSeconds > 0 ? [id, text('span', `, blocked for ${Math.round(blockedSeconds)} s`, 'bad')] : [id];
}
