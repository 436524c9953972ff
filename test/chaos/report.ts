// What a chaos run has found: how the tasks ended, and each thing that must never happen.
import { isFinished, type Snapshot } from '../../core/tasks/snapshot.ts';
import { findLostHooks, findRepeatedHooks } from './checks/hook-calls.ts';
import { findLeftKeys } from './checks/left-keys.ts';
import { countResumed, findLostCheckpoints } from './checks/lost-checkpoints.ts';
import type { Findings } from './checks/observer.ts';
import { findSideBySide } from './checks/side-by-side.ts';
import { findWrongFamilies, listAll } from './checks/wrong-families.ts';
import { ask } from './world/ask.ts';
import type { ChaosUser } from './world/user.ts';
import type { World } from './world/world.ts';

/** At most this many examples of each finding are kept. */
const EXAMPLES = 5;

/** The counts at the end. Those that `MUST_BE_ZERO` names must be 0. */
export interface ChaosReport {
  /** How many tasks the server has accepted. */
  readonly accepted: number;
  /** How many of them have each status. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** How many outcomes were announced to their owners. */
  readonly told: number;
  /** How often each kind of fault was caused. */
  readonly faults: Readonly<Record<string, number>>;
  /** What the proxies did with events. */
  readonly messages: Readonly<Record<string, number>>;
  /** Outcomes that were announced to their owner more than once. */
  readonly toldTwice: number;
  /** Accepted tasks that the server does not know, or whose outcome was never announced to their owner. */
  readonly lost: number;
  /** Tasks that have no outcome at the server, or are shown without one. */
  readonly leftRunning: number;
  /** The next three: see `Findings`. */
  readonly wentBack: number;
  readonly completeTooEarly: number;
  readonly toWrongUser: number;
  /** Tasks that do not end as their children say, or whose children are not those that their handlers have started. */
  readonly wrongFamilies: number;
  /** Tasks that were at work beside another one with the same concurrency key. */
  readonly sideBySide: number;
  /** How many attempts went on from a checkpoint. */
  readonly resumed: number;
  /** Attempts that went on from an older checkpoint than the last one that was stored. */
  readonly lostCheckpoints: number;
  /** Hooks that have not run for an outcome. */
  readonly lostHooks: number;
  /** How often a hook ran again for an outcome, since its worker had died in the middle of it. */
  readonly hooksAgain: number;
  /** How often a hook ran again for an outcome without that cause. */
  readonly hooksTwice: number;
  /** Keys in Redis that must be gone once all tasks have ended. */
  readonly leftKeys: number;
  /** The first findings, for debugging. */
  readonly examples: readonly string[];
}

/** The counts of what must never happen. */
export const MUST_BE_ZERO = [
  'toldTwice',
  'lost',
  'leftRunning',
  'wentBack',
  'completeTooEarly',
  'toWrongUser',
  'wrongFamilies',
  'sideBySide',
  'lostCheckpoints',
  'lostHooks',
  'hooksTwice',
  'leftKeys',
] as const;

/** Asks the server and the clients how everything ended. Call it when everything has come to rest. */
export async function makeReport(
  world: World,
  users: readonly ChaosUser[],
  findings: Findings,
  faults: Record<string, number>,
): Promise<ChaosReport> {
  const ended = await readTasks(world, users, findings);
  const all = (await Promise.all(users.map(({ name }) => listAll(world, name)))).flat();
  const notes = world.notes();
  const repeated = findRepeatedHooks(notes, world.workerProcesses());
  const toldTwice = [...findings.told].filter(([, count]) => count > 1);
  const found = {
    'wrong family': findWrongFamilies(all),
    'side by side': findSideBySide(notes),
    'lost checkpoint': findLostCheckpoints(notes),
    'lost hook': findLostHooks(all, notes),
    'hook ran twice': repeated.uncaused,
    'left key': await findLeftKeys(world.bus.redis),
    'told twice': toldTwice.map(([id, count]) => `${id}, ${count} times`),
    'went back': findings.wentBack,
    'complete too early': findings.completeTooEarly,
    'wrong user': findings.toWrongUser,
  };
  const examples = Object.entries(found).flatMap(([name, lines]) =>
    lines.slice(0, EXAMPLES).map((line) => `${name}: ${line}`),
  );
  return {
    accepted: findings.accepted.size,
    outcomes: ended.outcomes,
    told: findings.told.size,
    faults,
    messages: countMessages(users),
    toldTwice: toldTwice.length,
    lost: ended.lost,
    leftRunning: ended.running.size,
    wentBack: findings.wentBack.length,
    completeTooEarly: findings.completeTooEarly.length,
    toWrongUser: findings.toWrongUser.length,
    wrongFamilies: found['wrong family'].length,
    sideBySide: found['side by side'].length,
    resumed: countResumed(notes),
    lostCheckpoints: found['lost checkpoint'].length,
    lostHooks: found['lost hook'].length,
    hooksAgain: repeated.count - repeated.uncaused.length,
    hooksTwice: repeated.uncaused.length,
    leftKeys: found['left key'].length,
    examples: [...ended.examples, ...examples],
  };
}

/** How the accepted tasks ended. */
interface Ended {
  /** How many have each status. */
  readonly outcomes: Record<string, number>;
  /** How many the server does not know, or were never told to their owner. */
  lost: number;
  /** The ids of those that have no outcome at the server, or are shown without one. */
  readonly running: Set<string>;
  readonly examples: string[];
}

async function readTasks(world: World, users: readonly ChaosUser[], findings: Findings): Promise<Ended> {
  const ended: Ended = { outcomes: {}, lost: 0, running: new Set(), examples: [] };
  const { outcomes, running, examples } = ended;
  for (const [id, user] of findings.accepted) {
    const response = await ask(`${world.url}/${id}`, user);
    const task = response.ok ? ((await response.json()) as Snapshot) : null;
    if (!task || (isFinished(task) && !findings.told.has(id))) {
      ended.lost += 1;
      examples.push(`lost: ${id} of ${user}, ${task ? `${task.status}, never told` : `answers ${response.status}`}`);
    } else if (!isFinished(task)) {
      running.add(id);
      examples.push(`left ${task.status}: ${id} of ${user}, ${task.name}, attempt ${task.attempt}`);
    }
    const status = task?.status ?? 'gone';
    outcomes[status] = (outcomes[status] ?? 0) + 1;
  }
  for (const user of users) {
    for (const task of user.clients.flatMap(({ feed }) => feed.getSnapshot().tasks)) {
      if (isFinished(task) || running.has(task.id)) continue;
      running.add(task.id);
      examples.push(`shown as ${task.status} to ${user.name}: ${task.id}`);
    }
  }
  return ended;
}

/** What the proxies of all clients did with events. */
function countMessages(users: readonly ChaosUser[]): Record<string, number> {
  const messages = { events: 0, dropped: 0, doubled: 0, delayed: 0 };
  for (const { proxy } of users.flatMap((user) => user.clients)) {
    for (const key of Object.keys(messages) as (keyof typeof messages)[]) messages[key] += proxy.counts[key];
  }
  return messages;
}
