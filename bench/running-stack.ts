// A running stack: its web process, its worker and the process that plays its pages, on a Redis that was empty. Parts run tasks in it
// and get figures back.
import { pause } from './measure/clock.ts';
import { readCpuMs } from './measure/cpu.ts';
import { BenchProcess } from './processes/bench-process.ts';
import type { Services } from './services.ts';
import { STACKS, type StackName } from './stacks/index.ts';
import type { Mark } from './stacks/marks.ts';
import type { ClientKind, Counts } from './stacks/stack.ts';
import type { TaskInput } from './stacks/task.ts';

/** How long to wait after the last outcome. Jobs and their keys are removed in that time, and the CPU for that is counted, too. */
const SETTLE_MS = 300;
/** An outcome that has not reached its page this long after the last task ended counts as lost. */
const PATIENCE_MS = 60_000;

/** What to run. */
export interface RunningStackOptions {
  readonly services: Services;
  readonly stack: StackName;
  /** Users with a page open. */
  readonly users: readonly string[];
  /** How many tasks the worker runs at once. Default 20. */
  readonly concurrency?: number;
  /** Whether a worker runs. Default true. */
  readonly hasWorker?: boolean;
  /** Where server and worker write CPU profiles when they end. Default: they write none. */
  readonly profileFolder?: string;
  /** The process that plays the pages. `sockets` plays thousands, but not with the code of a real client. Default `clients`. */
  readonly pages?: 'clients' | 'sockets';
}

/** CPU time of each process, in ms. The process that plays the pages is not counted. */
export type Cpu = Readonly<Record<'server' | 'worker' | 'redis' | 'soketi', number>>;

/** What was measured while some tasks ran. */
export interface TaskRun {
  readonly tasks: number;
  /** When the first task was started, on the bench's clock. */
  readonly began: number;
  /** From the start of the first task to the last outcome on a page, in ms. Without push: to the end of the last handler. */
  readonly wall: number;
  readonly marks: readonly Mark[];
  /** For each task whose outcome reached its page: from its last element to the page's callback, in ms. */
  readonly latencies: readonly number[];
  /** For each task whose outcome reached its page: from its first element to the page's callback, in ms. */
  readonly known: readonly number[];
  /** Outcomes that reached no page. */
  readonly lost: number;
  readonly cpu: Cpu;
  /** What server and worker have sent to the bus. */
  readonly counts: Counts;
  /** Events that reached pages. */
  readonly received: number;
  /** Requests that polling pages made. */
  readonly polls: number;
  /** By user: when the page got an event other than an outcome, on the bench's clock. */
  readonly steps: Readonly<Record<string, readonly number[]>>;
  /** When the first outcome was shown, on the bench's clock. */
  readonly firstOutcome: number;
}

/** What the process of the pages answers to `take`. */
interface Taken {
  /** The number of each task, and when its outcome reached the page. */
  readonly outcomes: readonly (readonly [number, number])[];
  readonly events: number;
  readonly polls: number;
  readonly steps: Readonly<Record<string, readonly number[]>>;
}

/** The processes of a stack, and what can be measured in them. */
export class RunningStack {
  readonly stack: StackName;
  readonly client: ClientKind;
  readonly services: Services;
  readonly server: BenchProcess;
  readonly worker: BenchProcess | null;
  readonly clients: BenchProcess;

  constructor(parts: Pick<RunningStack, 'stack' | 'client' | 'services' | 'server' | 'worker' | 'clients'>) {
    this.stack = parts.stack;
    this.client = parts.client;
    this.services = parts.services;
    this.server = parts.server;
    this.worker = parts.worker;
    this.clients = parts.clients;
  }

  /** Starts tasks and waits for their outcomes. */
  async run(inputs: readonly TaskInput[]): Promise<TaskRun> {
    return this.watch(inputs, () => this.server.call<number>('start', inputs));
  }

  /**
   * Measures the tasks of `inputs` until their outcomes have arrived.
   * @param start starts these tasks, and resolves with the time at which the first one was started (bench's clock)
   */
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
    const cpu = this.cpu();
    const counts = await this.counts();
    const [began] = await Promise.all([start(), worker.call('waitForReturns', tasks)]);
    if (this.client !== 'none') await clients.call('waitForOutcomes', { count: tasks, ms: PATIENCE_MS });
    await pause(SETTLE_MS);
    const after = this.cpu();
    const sent = await this.counts();
    const marks = await worker.call<readonly Mark[]>('takeMarks');
    const taken = await clients.call<Taken>('take');
    const arrivals = new Map(taken.outcomes);
    const lastReturned = Math.max(...marks.map((mark) => mark.returned));
    const lastArrival = Math.max(...arrivals.values());
    const hasPush = this.client === 'pusher' || this.client === 'socket.io';
    return {
      tasks,
      began,
      // With push, the run ends when the last page has its outcome. Without, it ends when the last handler has returned, so
      // that the delay of a poll does not count.
      wall: (hasPush ? Math.max(lastReturned, lastArrival) : lastReturned) - began,
      marks,
      latencies: marks.flatMap(({ n, done }) => (arrivals.has(n) ? [(arrivals.get(n) ?? 0) - done] : [])),
      known: marks.flatMap(({ n, began: first }) => (arrivals.has(n) ? [(arrivals.get(n) ?? 0) - first] : [])),
      lost: this.client === 'none' ? 0 : tasks - arrivals.size,
      cpu: subtractCpu(after, cpu),
      counts: { calls: sent.calls - counts.calls, events: sent.events - counts.events },
      received: taken.events,
      polls: taken.polls,
      steps: taken.steps,
      firstOutcome: Math.min(...arrivals.values()),
    };
  }

  /** CPU time of each process since it started. */
  cpu(): Cpu {
    return {
      server: readCpuMs(this.server.pid),
      worker: this.worker?.isRunning ? readCpuMs(this.worker.pid) : 0,
      redis: readCpuMs(this.services.redisPid),
      soketi: readCpuMs(this.services.soketiPid),
    };
  }

  /** What server and worker have sent to the bus since they started. */
  async counts(): Promise<Counts> {
    const halves = await Promise.all([this.server, this.worker].map((half) => half?.call<Counts>('counts')));
    const total = (name: keyof Counts) => halves.reduce((all, half) => all + (half?.[name] ?? 0), 0);
    return { calls: total('calls'), events: total('events') };
  }
}

/** The CPU time between two moments. */
export function subtractCpu(after: Cpu, before: Cpu): Cpu {
  return {
    server: after.server - before.server,
    worker: after.worker - before.worker,
    redis: after.redis - before.redis,
    soketi: after.soketi - before.soketi,
  };
}

/** The CPU time for each of `count` tasks, requests or pages. */
export function divideCpu(cpu: Cpu, count: number): Cpu {
  return {
    server: cpu.server / count,
    worker: cpu.worker / count,
    redis: cpu.redis / count,
    soketi: cpu.soketi / count,
  };
}

/** The CPU time of all processes together. */
export function addUpCpu(cpu: Cpu): number {
  return cpu.server + cpu.worker + cpu.redis + cpu.soketi;
}

/** Empties Redis, starts the processes of a stack, calls `use` with them, and ends them. */
export async function withRunningStack<T>(
  options: RunningStackOptions,
  use: (running: RunningStack) => Promise<T>,
): Promise<T> {
  const { services, stack, users, concurrency = 20, hasWorker = true, profileFolder, pages = 'clients' } = options;
  await services.redis.wipe();
  const env = { ...services.env, CONCURRENCY: String(concurrency) };
  const start = (name: string) => BenchProcess.start(name, { env, args: [stack], profileFolder });
  const starting = [BenchProcess.start(pages, { env }), start('server'), ...(hasWorker ? [start('worker')] : [])];
  try {
    const [clients, server, worker = null] = (await Promise.all(starting)) as [
      BenchProcess,
      BenchProcess,
      BenchProcess?,
    ];
    const { client } = STACKS[stack];
    await clients.call('connect', { kind: client, users });
    return await use(new RunningStack({ stack, client, services, server, worker, clients }));
  } finally {
    // The pages end first. Otherwise they would try to reconnect to a server that has ended.
    for (const settled of await Promise.allSettled(starting)) {
      if (settled.status === 'fulfilled') await settled.value.stop();
    }
  }
}
