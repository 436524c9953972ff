// Computes from the measured figures what a million users and ten million tasks a day need. Pure: figures go in, numbers come out.

/** The measured figures, of one server, one worker and one Soketi. */
export interface Measured {
  /** Pages that one Soketi carries with live updates. */
  readonly pagesPerSoketi: number;
  /** Accepted tasks a second of one server at its knee. */
  readonly acceptedPerServer: number;
  /** Tasks a second of one worker at its knee, if the handlers themselves need no CPU. */
  readonly tasksPerWorker: number;
  /** Pushed messages a second at the knee of one worker and one Soketi. */
  readonly messagesPerSecond: number;
  /** Cores of Redis for one task a second. */
  readonly redisCoresPerTask: number;
  /** Memory of Redis for one task that waits, in bytes. */
  readonly waitingTask: number;
  /** Memory of Redis for one task that has ended and is kept, in bytes. */
  readonly finishedTask: number;
  /** Memory of Soketi for one connection, in KB. */
  readonly connectionKb: number;
}

/** What is assumed about the application. Replace these by your own. */
export interface Assumptions {
  readonly users: number;
  readonly tasksPerDay: number;
  /** Share of the users who have a page open in the busiest hour. */
  readonly connectedShare: number;
  /** How many times the average the busiest hour is. */
  readonly peak: number;
  /** Messages of one task whose owner has a page open. The plan counts them for every task. */
  readonly messagesPerTask: number;
  /** Seconds that a handler runs. */
  readonly taskSeconds: number;
  /** For how long tasks are kept, in days. */
  readonly retentionDays: number;
  /** How long the line may grow when all workers are away, in minutes of the busiest hour. */
  readonly outageMinutes: number;
  /** With which share of the measured figures to plan: 0.5 is half. The rest is for bursts, deploys and machines that fail. */
  readonly plannedShare: number;
}

/** The assumptions of docs/capacity.md. */
export const ASSUMPTIONS: Assumptions = {
  users: 1_000_000,
  tasksPerDay: 10_000_000,
  connectedShare: 0.1,
  peak: 4,
  messagesPerTask: 10,
  taskSeconds: 5,
  retentionDays: 1,
  outageMinutes: 60,
  plannedShare: 0.5,
};

/** What the application needs. */
export interface Plan {
  /** Pages that are open in the busiest hour. */
  readonly connected: number;
  /** On average over the day. */
  readonly tasksPerSecond: number;
  readonly peakTasksPerSecond: number;
  /** In the busiest hour. */
  readonly messagesPerSecond: number;
  /** Numbers of processes. */
  readonly soketi: number;
  readonly servers: number;
  readonly workers: number;
  /** Handlers that run at once in the busiest hour, over all workers. */
  readonly handlers: number;
  /** Cores of the one Redis in the busiest hour. One Redis cannot use more than 1. */
  readonly redisCores: number;
  /** GB of Redis: for tasks that are kept, and for tasks that wait after the outage. */
  readonly keptGb: number;
  readonly waitingGb: number;
  /** GB of all Soketi together. */
  readonly soketiGb: number;
}

const DAY_S = 86_400;
const GB = 1e9;

/** Computes the plan: what is needed in the busiest hour, divided by what one process carries. */
export function planFor(measured: Measured, assumed: Assumptions): Plan {
  const connected = assumed.users * assumed.connectedShare;
  const tasksPerSecond = assumed.tasksPerDay / DAY_S;
  const peakTasksPerSecond = tasksPerSecond * assumed.peak;
  const messagesPerSecond = peakTasksPerSecond * assumed.messagesPerTask;
  const processes = (wanted: number, each: number) => Math.ceil(wanted / (each * assumed.plannedShare));
  return {
    connected,
    tasksPerSecond,
    peakTasksPerSecond,
    messagesPerSecond,
    soketi: processes(connected, measured.pagesPerSoketi),
    servers: processes(peakTasksPerSecond, measured.acceptedPerServer),
    // A worker is limited by its tasks or by the messages of those tasks, whichever is more.
    workers: Math.max(
      processes(peakTasksPerSecond, measured.tasksPerWorker),
      processes(messagesPerSecond, measured.messagesPerSecond),
    ),
    handlers: Math.ceil(peakTasksPerSecond * assumed.taskSeconds),
    redisCores: peakTasksPerSecond * measured.redisCoresPerTask,
    keptGb: (assumed.tasksPerDay * assumed.retentionDays * measured.finishedTask) / GB,
    waitingGb: (peakTasksPerSecond * assumed.outageMinutes * 60 * measured.waitingTask) / GB,
    soketiGb: (connected * measured.connectionKb * 1_024) / GB,
  };
}
