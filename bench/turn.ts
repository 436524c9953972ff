// One stack's turn: its web process, its worker and its users' pages, on data of its own.
import { pause } from './measure/clock.ts';
import { cpuOf } from './measure/cpu.ts';
import { BenchProcess } from './processes/calls.ts';
import { STACKS, type StackName } from './stacks/index.ts';
import type { ClientKind, Counts } from './stacks/stack.ts';
import type { Mark, TaskInput } from './stacks/task.ts';
import type { World } from './world.ts';

/** What is still under way when the last outcome is known (jobs taken off, marks removed) gets this long. */
const SETTLE_MS = 300;
/** An outcome that has not come this long after the last task ended is lost. */
const PATIENCE_MS = 10_000;

export interface TurnOptions {
  readonly world: World;
  readonly stack: StackName;
  /** Who has a page open. */
  readonly users: readonly string[];
  readonly concurrency?: number;
  /** False where nothing is to be worked on. */
  readonly hasWorker?: boolean;
  readonly profileFolder?: string;
}

/** CPU time of each process in ms; the pages' process is not among them. */
export type Cpu = Readonly<Record<'server' | 'worker' | 'redis' | 'soketi', number>>;

/** What some tasks came to. */
export interface TaskRun {
  readonly tasks: number;
  /** When the first was started, on the bench's clock. */
  readonly began: number;
  /** From the first that was started to the last outcome, in ms. */
  readonly wall: number;
  readonly marks: readonly Mark[];
  /** From the last element to the page's callback, of each task, in ms. */
  readonly latencies: readonly number[];
  /** From the first element to the page's callback of the outcome, of each task, in ms. */
  readonly known: readonly number[];
  readonly lost: number;
  readonly cpu: Cpu;
  readonly counts: Counts;
  /** Events that reached pages, and requests that pages made. */
  readonly received: number;
  readonly polls: number;
  /** When each user's page showed a step that was no outcome, on the bench's clock. */
  readonly steps: Readonly<Record<string, readonly number[]>>;
  /** When the first outcome was shown, on the bench's clock. */
  readonly firstOutcome: number;
}

interface Taken {
  readonly outcomes: readonly (readonly [number, number])[];
  readonly events: number;
  readonly polls: number;
  readonly steps: Readonly<Record<string, readonly number[]>>;
}

export class Turn {
  readonly stack: StackName;
  readonly client: ClientKind;
  readonly world: World;
  readonly server: BenchProcess;
  readonly worker: BenchProcess | null;
  readonly clients: BenchProcess;

  constructor(parts: Pick<Turn, 'stack' | 'client' | 'world' | 'server' | 'worker' | 'clients'>) {
    this.stack = parts.stack;
    this.client = parts.client;
    this.world = parts.world;
    this.server = parts.server;
    this.worker = parts.worker;
    this.clients = parts.clients;
  }

  /** Runs tasks to their outcomes. */
  async run(inputs: readonly TaskInput[]): Promise<TaskRun> {
    return this.watch(inputs, () => this.server.call<number>('start', inputs));
  }

  /** Watches tasks that `start` brings about; it resolves with when the first of them was begun. */
  async watch(inputs: readonly TaskInput[], start: () => Promise<number>): Promise<TaskRun> {
    const tasks = inputs.length;
    const { clients, worker } = this;
    if (!worker) throw new Error('Tasks need a worker.');
    await clients.call('take');
    await worker.call('takeMarks');
    await clients.call(
      'expect',
      inputs.map(({ user }) => user),
    );
    const [cpu, counts] = [this.cpu(), await this.counts()];
    const [began] = await Promise.all([start(), worker.call('reached', tasks)]);
    if (this.client !== 'none') await clients.call('reached', { count: tasks, ms: PATIENCE_MS });
    await pause(SETTLE_MS);
    const after = this.cpu();
    const sent = await this.counts();
    const marks = await worker.call<readonly Mark[]>('takeMarks');
    const taken = await clients.call<Taken>('take');
    const seen = new Map(taken.outcomes);
    const returned = Math.max(...marks.map((mark) => mark.returned));
    const heard = Math.max(...seen.values());
    return {
      tasks,
      began,
      // Whoever is told by push counts as done when the last is told; a poll that comes later is not held against S4.
      wall: (this.client === 'none' || this.client === 'poll' ? returned : Math.max(returned, heard)) - began,
      marks,
      latencies: marks.flatMap(({ n, done }) => (seen.has(n) ? [(seen.get(n) ?? 0) - done] : [])),
      known: marks.flatMap(({ n, began: first }) => (seen.has(n) ? [(seen.get(n) ?? 0) - first] : [])),
      lost: this.client === 'none' ? 0 : tasks - seen.size,
      cpu: subtract(after, cpu),
      counts: { calls: sent.calls - counts.calls, events: sent.events - counts.events },
      received: taken.events,
      polls: taken.polls,
      steps: taken.steps,
      firstOutcome: Math.min(...seen.values()),
    };
  }

  cpu(): Cpu {
    return {
      server: cpuOf(this.server.pid),
      worker: this.worker?.isRunning ? cpuOf(this.worker.pid) : 0,
      redis: cpuOf(this.world.redisPid),
      soketi: cpuOf(this.world.soketiPid),
    };
  }

  async counts(): Promise<Counts> {
    const halves = await Promise.all([this.server, this.worker].map((half) => half?.call<Counts>('counts')));
    const total = (name: keyof Counts) => halves.reduce((all, half) => all + (half?.[name] ?? 0), 0);
    return { calls: total('calls'), events: total('events') };
  }
}

export function subtract(after: Cpu, before: Cpu): Cpu {
  return {
    server: after.server - before.server,
    worker: after.worker - before.worker,
    redis: after.redis - before.redis,
    soketi: after.soketi - before.soketi,
  };
}

/** The same for each of so many tasks, requests or pages. */
export function perTask(cpu: Cpu, count: number): Cpu {
  return {
    server: cpu.server / count,
    worker: cpu.worker / count,
    redis: cpu.redis / count,
    soketi: cpu.soketi / count,
  };
}

export function totalOf(cpu: Cpu): number {
  return cpu.server + cpu.worker + cpu.redis + cpu.soketi;
}

/** Starts a stack's processes on an empty Redis, lets `use` have them, ends them. */
export async function withTurn<T>(options: TurnOptions, use: (turn: Turn) => Promise<T>): Promise<T> {
  const { world, stack, users, concurrency = 20, hasWorker = true, profileFolder } = options;
  await world.redis.wipe();
  const env = { ...world.env, CONCURRENCY: String(concurrency) };
  const start = (name: string) => BenchProcess.start(name, { env, args: [stack], profileFolder });
  const starting = [BenchProcess.start('clients', { env }), start('server'), ...(hasWorker ? [start('worker')] : [])];
  try {
    const [clients, server, worker = null] = (await Promise.all(starting)) as [
      BenchProcess,
      BenchProcess,
      BenchProcess?,
    ];
    const { client } = STACKS[stack];
    await clients.call('connect', { kind: client, users });
    return await use(new Turn({ stack, client, world, server, worker, clients }));
  } finally {
    // The pages first, so that none of them tries to come back.
    for (const settled of await Promise.allSettled(starting)) {
      if (settled.status === 'fulfilled') await settled.value.stop();
    }
  }
}
