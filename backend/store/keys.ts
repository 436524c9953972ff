/**
 * The names of every key and channel in Redis, all under the backend's prefix. It serves the store's commands and
 * everything else that names a key.
 *
 * | key                | type | holds                                                                | expires                     |
 * |--------------------|------|----------------------------------------------------------------------|-----------------------------|
 * | `task:<id>`        | hash | one task (record.ts)                                                 | retention after its outcome |
 * | `all:<owner>`      | zset | ids of the owner's tasks, all with score 0, so they sort by id: by time of creation | retention after the owner's last active task |
 * | `active:<owner>`   | zset | ids of the owner's tasks that have no outcome                        | when it is empty            |
 * | `unseen:<owner>`   | zset | ids of the owner's tasks whose outcome they have not seen: the inbox | retention after the last outcome |
 * | `dropped:<owner>`  | zset | names of keys that stay when the owner dismisses a task: its idempotency key, and its record until its outcome hook has run; scored by when they expire at the latest | with the last of them |
 * | `idem:<owner>:<h>` | text | `<hash of the body> <id>` for the Idempotency-Key with hash `h`      | 24 h                        |
 * | `page:<channel>`   | hash | whether the owner has a page open (watched-mark.ts)                  | 7 days                      |
 * | `unpublished`      | zset | ids whose outcome, or whose creation while the owner watched, may not have been pushed; scored by its time | never; old ids are removed |
 * | `task:<id>:children` | hash | the children of a task: their keys → `<hash of the input> <id>`      | with the task's record      |
 * | `parents`          | zset | ids of parents: those whose family has changed, scored by the time of the change, and waiting ones, scored by when to check them again | never; an id leaves when its parent was updated (family/parent-updates.ts) |
 * | `durations:<name>` | list | how long the last successful first attempts of a definition took, in ms | 30 days                  |
 * | `definitions`      | set  | names of the definitions that servers and workers start              | never                       |
 * | `paused:<name>`    | text | since when an operator has paused a definition, and who, JSON (operator/pauses.ts) | when it is resumed |
 * | `operator`, `operator:…`, `task:<id>:story` | | what the operator's page shows (operator/index-scripts.ts), only while it is mounted |      |
 * | `workers`          | hash | worker id → what it handles (recovery/worker-registry.ts)            | never; dead workers are removed |
 * | `worker:<id>`      | text | a worker's heartbeat                                                 | when it is not renewed      |
 * | `running:<worker>` | hash | ids of the tasks that a worker runs → `free`, `probation` or `alone` | when it is empty            |
 * | `ended:<worker>`   | text | ids of the tasks because of which the watchdog ended a worker        | 1 day                       |
 * | `verdict:<worker>` | text | what was decided about the tasks of a dead worker (recovery/lost-workers.ts) | 1 h                 |
 * | `lease:<name>`     | text | the process that holds a lease                                       | when it is not renewed      |
 * | `hooks`            | zset | names of the outcome hooks that workers run (hooks/hook-queue.ts), scored by when a worker last registered them | never |
 * | `hook:<name>`      | zset | ids of outcomes for which a hook is to run, scored by when it is due | retention and the hook's delay after the last |
 * | `hook-tries:<name>`| hash | id of a task → how often its hook was tried                          | retention after the last try |
 * | `counted:<name>:<owner>` | zset | ids of active tasks that a limit counts (limits/limit-scripts.ts); name and owner are '' where it counts those of all | when it is empty |
 * | `starts:<name>:<owner>` | list | when tasks that a limit counts were started, the newest first           | 1 min after the last one    |
 * | `gate:<gate>`      | zset | tasks with one concurrency key that are inside its gate (limits/gate-scripts.ts), in the order in which they came | when it is empty |
 * | `gate:<gate>:waiting` | zset | tasks that wait outside the gate, in the order in which they came | when it is empty            |
 * | `gates`            | zset | all gates, scored by when the sweeper checks them next                   | when it is empty            |
 * | `replaced`         | zset | ids of tasks that have to be cancelled because another replaces them, scored by when that was stored | when it is empty |
 * | `probe`            | text | what a health check writes                                           | 1 s                         |
 * | `pushed`           | text | that the bus took an event lately (push/bus/bus-health.ts)           | 10 min                      |
 * | `queue:<name>:…`   |      | bee-queue's own (queue/bee-queue/scripts.ts)                                 |                             |
 * | `line:<name>`      | zset | owners who have tasks in the line of a definition → their next turn (queue/line-scripts.ts) | when it is empty |
 * | `line:<name>:<owner>` | zset | job ids of an owner's tasks in the line → their band, by priority    | when it is empty            |
 * | `turns:<name>`     | zset | `''` → the latest turn; owners who left the line → the earliest turn that they may get again, until the others have reached it | 1 min after the line is empty |
 *
 * A record that expires leaves its id in the owner's three indexes. The id is removed when a list finds it without a record,
 * or when a new task cleans the index (commands/cleaning.ts). `all` has every id that the other two have, and an id is
 * removed from all three in one step.
 *
 * A script makes some keys itself, from an id or a name and one of the prefixes `task('')`, `active('')`, `running('')` and
 * `hook('')`, from another key, such as `line:<name>`, or from the prefix of all keys. A cluster permits that, because all keys of
 * one backend share a hash tag (docs/redis.md).
 */

import { OperatorKeys } from '../operator/operator-keys.ts';
import { queueKey } from '../queue/bee-queue/scripts.ts';
import { type LineKeys, lineKeys } from '../queue/line-scripts.ts';
import { GATES, REPLACED } from './limits/gate-scripts.ts';

/** The key of a task's record. @param id '' for the prefix of all of them */
export function taskKey(prefix: string, id: string): string {
  return `${prefix}task:${id}`;
}

/** The names of keys and channels of one backend. */
export class Keys {
  readonly unpublished: string;
  readonly parents: string;
  readonly definitions: string;
  readonly workers: string;
  readonly hooks: string;
  readonly probe: string;
  readonly pushed: string;
  readonly gates: string;
  readonly replaced: string;
  readonly operator: string;
  /** Channel: the id of each task that is to be cancelled. */
  readonly cancelChannel: string;
  /** Channel: the id of each task that changes while a request waits for it. */
  readonly changedChannel: string;
  /** Before every key and channel. */
  readonly prefix: string;
  readonly #channelOf: (owner: string) => string;

  /**
   * @param prefix before every key and channel, for example `inloop:`
   * @param channelOf the push channel of an owner. The mark's key has the channel in it, since webhooks name no owner
   */
  constructor(prefix: string, channelOf: (owner: string) => string) {
    this.prefix = prefix;
    this.#channelOf = channelOf;
    this.unpublished = `${prefix}unpublished`;
    this.parents = `${prefix}parents`;
    this.definitions = `${prefix}definitions`;
    this.workers = `${prefix}workers`;
    this.hooks = `${prefix}hooks`;
    this.probe = `${prefix}probe`;
    this.pushed = `${prefix}pushed`;
    this.gates = prefix + GATES;
    this.replaced = prefix + REPLACED;
    this.operator = new OperatorKeys(prefix).mounted;
    this.cancelChannel = `${prefix}cancel`;
    this.changedChannel = `${prefix}changed`;
  }

  task(id: string): string {
    return taskKey(this.prefix, id);
  }

  all(owner: string): string {
    return `${this.prefix}all:${owner}`;
  }

  active(owner: string): string {
    return `${this.prefix}active:${owner}`;
  }

  unseen(owner: string): string {
    return `${this.prefix}unseen:${owner}`;
  }

  dropped(owner: string): string {
    return `${this.prefix}dropped:${owner}`;
  }

  /** @param hash of the Idempotency-Key; '' without one, since create-task takes the name of a key that it then does not use */
  idempotency(owner: string, hash: string): string {
    return `${this.prefix}idem:${owner}:${hash}`;
  }

  /** The mark of a push channel. */
  mark(channel: string): string {
    return `${this.prefix}page:${channel}`;
  }

  /** The mark of an owner's push channel. */
  markOf(owner: string): string {
    return this.mark(this.#channelOf(owner));
  }

  /** Active tasks that a limit counts. @param definition '' for those of all definitions @param owner '' for those of all */
  counted(definition: string, owner: string): string {
    return `${this.prefix}counted:${definition}:${owner}`;
  }

  /** When tasks that a limit counts were started. @param definition, owner as in {@link counted} */
  starts(definition: string, owner: string): string {
    return `${this.prefix}starts:${definition}:${owner}`;
  }

  durations(definition: string): string {
    return `${this.prefix}durations:${definition}`;
  }

  /** Before every key of a definition's queue. */
  queue(definition: string): string {
    return queueKey(this.prefix, definition);
  }

  /** A definition's line: who waits in it, and the turns that were taken. */
  line(definition: string): LineKeys {
    return lineKeys(this.prefix, definition);
  }

  heartbeat(id: string): string {
    return `${this.prefix}worker:${id}`;
  }

  running(worker: string): string {
    return `${this.prefix}running:${worker}`;
  }

  /** Written by the watchdog that ends a worker. */
  overDeadline(worker: string): string {
    return `${this.prefix}ended:${worker}`;
  }

  verdict(worker: string): string {
    return `${this.prefix}verdict:${worker}`;
  }

  /** @param name of an outcome hook; '' for the beginning of every such key */
  hook(name: string): string {
    return `${this.prefix}hook:${name}`;
  }

  hookTries(name: string): string {
    return `${this.prefix}hook-tries:${name}`;
  }

  lease(name: string): string {
    return `${this.prefix}lease:${name}`;
  }
}
