// Makes trouble on purpose, for the demo's "Make trouble" and the browser tests: faults of the real processes of the local stack.
// Each trouble ends by itself: what lasts ends after a time, and the supervisor restarts processes that were ended.

/** The kinds of trouble. `end-all` ends all that last. */
export type TroubleKind = keyof typeof LASTS_MS | 'end-all';

/** How long each kind lasts; 0 for one that is over at once. */
const LASTS_MS = {
  'drop-connection': 0,
  'block-websockets': 60_000,
  'stop-soketi': 10_000,
  'kill-worker': 0,
  'lose-messages': 30_000,
  'double-messages': 30_000,
} as const;

/** The trouble inside Soketi: until when each lasts, in milliseconds since 1970. 0 for one that does not last. */
export interface SoketiTrouble {
  /** Browsers are refused WebSockets. */
  refuseUntil: number;
  /** Task events are not sent. */
  loseUntil: number;
  /** Task events are sent twice. */
  doubleUntil: number;
}

/** A message to the Soketi process (trouble-preload.cjs). */
export interface SoketiMessage {
  trouble?: SoketiTrouble;
  /** Which connections to cut now. */
  cut?: 'all' | 'browsers';
}

/** The part of the supervisor that trouble uses. */
export interface TroubledStack {
  /** Kills a service; it is restarted. Returns the process id it had. */
  crash(name: string): number;
  /** Ends a service and keeps it down for `ms` milliseconds, then restarts it. Resolves when it has ended. */
  rest(name: string, ms: number): Promise<void>;
  /** Restarts a resting service now. */
  wake(name: string): void;
  /** Sends a message to the process of a service. */
  tell(name: string, message: SoketiMessage): void;
}

/** Trouble that lasts, and for how much longer. */
export interface LastingTrouble {
  kind: TroubleKind;
  leftMs: number;
}

/** The answer to a request for trouble. */
export interface TroubleReport {
  lasting: LastingTrouble[];
  /** The process that was killed. */
  pid?: number;
}

/** Whether `text` names a kind of trouble. */
export function isTroubleKind(text: unknown): text is TroubleKind {
  return typeof text === 'string' && (text === 'end-all' || Object.hasOwn(LASTS_MS, text));
}

/** Makes trouble in one stack. */
export class Trouble {
  readonly #stack: TroubledStack;
  /** By kind: until when it lasts, in milliseconds since 1970. */
  readonly #until = new Map<TroubleKind, number>();

  constructor(stack: TroubledStack) {
    this.#stack = stack;
  }

  /** The trouble that still lasts. */
  report(): TroubleReport {
    const now = Date.now();
    const lasting = [...this.#until].map(([kind, until]) => ({ kind, leftMs: until - now }));
    return { lasting: lasting.filter(({ leftMs }) => leftMs > 0) };
  }

  /** Starts one kind of trouble, or ends all that lasts. Resolves when that is done. */
  async make(kind: TroubleKind): Promise<TroubleReport> {
    if (kind === 'end-all') this.#until.clear();
    else if (LASTS_MS[kind] > 0) this.#until.set(kind, Date.now() + LASTS_MS[kind]);
    const done = await this.#act(kind);
    return { ...this.report(), ...done };
  }

  /** Sends the lasting trouble to Soketi. A restarted Soketi knows of none, so call it then, too. */
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
