// Trouble on purpose, for the demo's "Make trouble" and the browser tests: real faults of the real processes of the
// local stack. What it makes ends by itself, and `supervisor.ts` starts what it ended.

/** What can be done. `end-all` ends whatever still lasts. */
export type TroubleKind = keyof typeof LASTS_MS | 'end-all';

/** How long each lasts, in milliseconds; 0 for what is over at once. */
const LASTS_MS = {
  'drop-connection': 0,
  'block-websockets': 60_000,
  'stop-soketi': 10_000,
  'kill-worker': 0,
  'lose-messages': 30_000,
  'double-messages': 30_000,
} as const;

/** What Soketi is told of it: until when, in milliseconds since 1970. */
export interface SoketiTrouble {
  /** Browsers are refused WebSockets. */
  refuseUntil: number;
  /** Task events are not sent. */
  loseUntil: number;
  /** Task events are sent twice. */
  doubleUntil: number;
}

/** What the process of Soketi (trouble-preload.cjs) understands. */
export interface SoketiMessage {
  trouble?: SoketiTrouble;
  /** Whose connections to cut now. */
  cut?: 'all' | 'browsers';
}

/** The part of the supervisor that trouble needs. */
export interface Troubled {
  /** Ends a service without any grace; it is started again. Returns the process id it had. */
  crash(name: string): number;
  /** Ends a service, and starts it again after `ms`. Resolves when it has ended. */
  rest(name: string, ms: number): Promise<void>;
  /** Starts a service again that rests. */
  wake(name: string): void;
  /** Tells a service's process something. */
  tell(name: string, message: SoketiMessage): void;
}

/** What lasts at the moment, and for how much longer. */
export interface LastingTrouble {
  kind: TroubleKind;
  leftMs: number;
}

/** What was done. */
export interface TroubleReport {
  lasting: LastingTrouble[];
  /** The process that was killed. */
  pid?: number;
}

/** Whether `text` names something that {@link Trouble} can do. */
export function isTroubleKind(text: unknown): text is TroubleKind {
  return typeof text === 'string' && (text === 'end-all' || Object.hasOwn(LASTS_MS, text));
}

/** Makes trouble in one stack. */
export class Trouble {
  readonly #stack: Troubled;
  /** Until when each lasts, in milliseconds since 1970. */
  readonly #until = new Map<TroubleKind, number>();

  constructor(stack: Troubled) {
    this.#stack = stack;
  }

  /** What was made before and is not over. */
  report(): TroubleReport {
    const now = Date.now();
    const lasting = [...this.#until].map(([kind, until]) => ({ kind, leftMs: until - now }));
    return { lasting: lasting.filter(({ leftMs }) => leftMs > 0) };
  }

  /** Makes one, or ends them all. Resolves when it has begun. */
  async make(kind: TroubleKind): Promise<TroubleReport> {
    if (kind === 'end-all') this.#until.clear();
    else if (LASTS_MS[kind] > 0) this.#until.set(kind, Date.now() + LASTS_MS[kind]);
    const done = await this.#act(kind);
    return { ...this.report(), ...done };
  }

  /** Tells a Soketi that has just been started what still lasts. */
  tellSoketi(): void {
    const until = (kind: TroubleKind): number => this.#until.get(kind) ?? 0;
    this.#stack.tell('soketi', {
      trouble: {
        refuseUntil: until('block-websockets'),
        loseUntil: until('lose-messages'),
        doubleUntil: until('double-messages'),
      },
    });
  }

  async #act(kind: TroubleKind): Promise<{ pid?: number }> {
    switch (kind) {
      case 'drop-connection':
        this.#stack.tell('soketi', { cut: 'all' });
        return {};
      case 'block-websockets':
        this.tellSoketi();
        this.#stack.tell('soketi', { cut: 'browsers' });
        return {};
      case 'stop-soketi':
        await this.#stack.rest('soketi', LASTS_MS[kind]);
        return {};
      case 'kill-worker':
        return { pid: this.#stack.crash('worker') };
      case 'lose-messages':
      case 'double-messages':
        this.tellSoketi();
        return {};
      case 'end-all':
        this.#stack.wake('soketi');
        this.tellSoketi();
        return {};
      default:
        return kind satisfies never;
    }
  }
}
