// Keeps the services of the stack running: starts them in order, restarts a service that has ended, and ends them in
// reverse order.
import { setTimeout as delay } from 'node:timers/promises';
import { CommandError } from '../command-error.ts';
import { type Child, type Command, startChild, waitUntilReady } from './child.ts';
import type { ServiceAddress } from './state-folder.ts';

/** How to run a service. Its port stays the same when it is restarted. */
export interface Service {
  name: string;
  host: string;
  port: number;
  /** What clients need besides host and port; written to stack.json. */
  access?: { url: string; password: string };
  command(): Command | Promise<Command>;
  /** Whether it is ready. A rejection counts as false. */
  probe(): Promise<boolean>;
  /** Milliseconds between SIGTERM and SIGKILL. */
  graceMs: number;
}

/** Events of the supervisor. */
export interface SupervisorEvents {
  /** A line of output, from a service or about it. */
  line(name: string, text: string): void;
  /** A process was started. It may not be ready yet. */
  started(name: string, pid: number): void;
  /** A service that had ended is ready again. */
  recovered(name: string): void;
}

const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 5_000;
/** When a service has run this long before it ends, its backoff starts again at the shortest, in milliseconds. */
const STEADY_MS = 10_000;

/** Runs groups of services. A group starts when the group before it is ready, so its services may depend on that one. */
export class Supervisor {
  readonly #groups: readonly (readonly Service[])[];
  readonly #events: SupervisorEvents;
  readonly #children = new Map<string, Child>();
  readonly #stopping = new AbortController();
  /** Services that must not be restarted before `until` (milliseconds since 1970), unless they are woken. */
  readonly #resting = new Map<string, { until: number; woken: AbortController }>();
  /** One loop for each service, which restarts it. They end after `stop`. */
  readonly #loops: Promise<void>[] = [];

  constructor(groups: readonly (readonly Service[])[], events: SupervisorEvents) {
    this.#groups = groups;
    this.#events = events;
  }

  /**
   * Starts all services. Resolves when all are ready.
   *
   * @throws CommandError when a service cannot be started. Call `stop` then, because others may run.
   */
  async start(): Promise<void> {
    for (const group of this.#groups) {
      await Promise.all(group.map((service) => this.#startFirst(service)));
    }
  }

  /** The address and the current process of each service. */
  addresses(): Record<string, ServiceAddress> {
    const addresses: Record<string, ServiceAddress> = {};
    for (const { name, host, port, access } of this.#groups.flat()) {
      const child = this.#children.get(name);
      if (child) addresses[name] = { pid: child.pid, host, port, ...access };
    }
    return addresses;
  }

  /** Ends all services, the last group first, each with its grace. Resolves when none runs. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const group of [...this.#groups].reverse()) {
      await Promise.all(group.map((service) => this.#children.get(service.name)?.stop(service.graceMs)));
    }
    await Promise.all(this.#loops);
  }

  /** Kills all services at once. For when this process itself ends. */
  kill(): void {
    this.#stopping.abort();
    for (const child of this.#children.values()) child.signal('SIGKILL');
  }

  /** Kills the current process of a service. @returns its id */
  crash(name: string): number {
    const child = this.#find(name);
    child.signal('SIGKILL');
    return child.pid;
  }

  /** Ends a service and starts it again after `ms`, or when it is woken. */
  async rest(name: string, ms: number): Promise<void> {
    this.#resting.set(name, { until: Date.now() + ms, woken: new AbortController() });
    await this.#find(name).stop();
  }

  /** Starts a service that rests. */
  wake(name: string): void {
    this.#resting.get(name)?.woken.abort();
  }

  /** Sends a message to a service whose command takes messages. */
  tell(name: string, message: object): void {
    this.#find(name).tell(message);
  }

  #find(name: string): Child {
    const child = this.#children.get(name);
    if (!child) throw new Error(`There is no ${name}.`);
    return child;
  }

  async #startFirst(service: Service): Promise<void> {
    try {
      await this.#startOnce(service);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      throw new CommandError(`${(error as Error).message} See the lines of "${service.name}" above.`);
    }
    this.#loops.push(this.#keepRunning(service));
  }

  async #startOnce(service: Service): Promise<void> {
    const { signal } = this.#stopping;
    const command = await service.command();
    signal.throwIfAborted();
    const child = await startChild(command, (line) => this.#events.line(service.name, line));
    this.#children.set(service.name, child);
    this.#events.started(service.name, child.pid);
    // `stop` was called during the start and has not seen this child.
    if (signal.aborted) await child.stop(service.graceMs);
    await waitUntilReady(service.name, child, () => service.probe(), { signal });
  }

  async #keepRunning(service: Service): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; ; ) {
      const child = this.#children.get(service.name) as Child;
      const since = Date.now();
      const how = await child.end;
      if (signal.aborted) return;
      if (Date.now() - since > STEADY_MS) failures = 0;
      do {
        const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** failures++, LONGEST_BACKOFF_MS);
        const rest = this.#resting.get(service.name);
        const pause = Math.max(backoff, rest ? rest.until - Date.now() : 0);
        this.#events.line('inloop', `${service.name} ended (${how}); starting it again in ${pause / 1000} s`);
        const endOfPause = rest ? AbortSignal.any([signal, rest.woken.signal]) : signal;
        await delay(pause, undefined, { signal: endOfPause }).catch(() => {});
        this.#resting.delete(service.name);
        if (signal.aborted) return;
      } while (!(await this.#tryAgain(service)));
      if (signal.aborted) return;
      this.#events.recovered(service.name);
    }
  }

  /** Resolves with whether no further try is needed: the service is ready, or all is being stopped. */
  async #tryAgain(service: Service): Promise<boolean> {
    try {
      await this.#startOnce(service);
      return true;
    } catch (error) {
      if (this.#stopping.signal.aborted) return true;
      this.#events.line('inloop', (error as Error).message);
      // The process may run although the service is not ready.
      await this.#children.get(service.name)?.stop(0);
      return false;
    }
  }
}
