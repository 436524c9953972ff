/** What the page of one task lists under "Facts": a name and a value each. It serves `task-view.ts`. */

import type { TaskDetails } from '../../../core/operator/task-details.ts';
import { ago, box, type Content, clock, link, text, userText } from '../dom/elements.ts';
import { hrefOf, listHref } from '../route.ts';
import { betweenWords } from '../words/times.ts';
import { counted, formatNumber } from '../words/words.ts';

/** The facts of a task. Those without a value are left out. @param now the server's time, in milliseconds since 1970 */
export function factsOf({ task, facts: known }: TaskDetails, now: number): (readonly [name: string, Content])[] {
  const { error, startedAt, finishedAt } = task;
  const { worker, gate, children, ahead } = known;
  const time = (at: string | null) => at && [clock(at, now), ' · ', ago(at, now)];
  const taskLink = (id: string | null) => id && [link(hrefOf({ view: 'task', id }), id)];
  const facts: readonly (readonly [name: string, content: Content | null | '' | false])[] = [
    ['Error', error && [box('b', '', userText(error.code)), ': ', userText(error.message)]],
    ['Definition', [link(listHref({ name: task.name }), userText(task.name))]],
    ['Owner', [link(listHref({ owner: task.owner }), userText(task.owner))]],
    ['Created', time(task.createdAt)],
    ['Started', time(startedAt)],
    ['Due', time(task.dueAt)],
    ['Ended', time(finishedAt)],
    ['Took', startedAt !== null && finishedAt !== null && [betweenWords(startedAt, finishedAt)]],
    ['Last sign of life', finishedAt === null && time(task.signOfLifeAt)],
    ['Seen by its owner', time(task.seenAt)],
    ['Attempt', [attemptWords(task, known)]],
    ['Worker', worker && workerWords(worker)],
    ['In line', ahead !== null && [`${formatNumber(ahead)} ahead of it`]],
    ['Concurrency key', gate && [userText(gate.name), ` (${formatNumber(gate.limit)} at a time)`]],
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
  return `${formatNumber(attempt)} of ${formatNumber(attempts)}, ${counted(runs, 'run')}${died}`;
}

function childrenWords({ ended, total, failed }: NonNullable<TaskDetails['facts']['children']>): string {
  return `${formatNumber(ended)} of ${formatNumber(total)} ended, ${formatNumber(failed)} failed`;
}

function workerWords({ id, isAlive, blockedSeconds }: NonNullable<TaskDetails['facts']['worker']>): Content {
  if (!isAlive) return [id, text('span', ', gone', 'bad')];
  return blockedSeconds > 0 ? [id, text('span', `, blocked for ${Math.round(blockedSeconds)} s`, 'bad')] : [id];
}
