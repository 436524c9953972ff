// What a check of `npx inloop doctor` says, and how the checks are collected.

/** `note`: nothing is wrong, but it is good to know. `skipped`: something before it failed, or it was not asked for. */
export type CheckOutcome = 'ok' | 'note' | 'failed' | 'skipped';

/** What is looked at, in the order in which it is told. */
export type Part = 'environment' | 'redis' | 'bus' | 'browser' | 'application' | 'workers';

/** One thing that was looked at. No text of it has a secret in it. */
export interface Check {
  readonly part: Part;
  /** The variable, or what is asked of the part: `memory policy`. */
  readonly name: string;
  readonly outcome: CheckOutcome;
  /** What was found. */
  readonly found: string;
  /** What to do about it; null if nothing is to be done. */
  readonly cure: string | null;
}

/** Collects checks of one part. */
export class Findings {
  readonly checks: Check[] = [];
  readonly #part: Part;

  constructor(part: Part) {
    this.#part = part;
  }

  /** Whether a check of this part failed. */
  get hasFailed(): boolean {
    return this.checks.some(({ outcome }) => outcome === 'failed');
  }

  ok(name: string, found: string): void {
    this.#add(name, 'ok', found, null);
  }

  note(name: string, found: string, cure: string | null = null): void {
    this.#add(name, 'note', found, cure);
  }

  failed(name: string, found: string, cure: string): void {
    this.#add(name, 'failed', found, cure);
  }

  skipped(name: string, found: string): void {
    this.#add(name, 'skipped', found, null);
  }

  #add(name: string, outcome: CheckOutcome, found: string, cure: string | null): void {
    this.checks.push({ part: this.#part, name, outcome, found, cure });
  }
}
