// The measured figures, kept as JSON in .inloop (not in git), one file a part. docs/performance.md, docs/cost.md and docs/capacity.md
// are written from them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../dev/paths.ts';
import { describeMachine } from './machine.ts';

/** The figures of one part, as they are kept. */
export interface Kept {
  /** When they were measured: `2026-01-31`. */
  readonly day: string;
  readonly machine: string;
  readonly raw: unknown;
}

/** Writes figures to files, and reads them again. */
export class Keeper {
  readonly #folder: string;
  readonly #describe: () => string;
  readonly #suffix: string;

  /**
   * @param quick whether this is a quick run. Its figures are kept in files of their own, and no page of docs/ uses them.
   * @param folder the folder in .inloop
   * @param describe says on which machine and with which versions the figures are measured
   */
  constructor(quick: boolean, folder = 'bench', describe = describeMachine) {
    this.#describe = describe;
    this.#folder = join(stateFolder(), folder);
    this.#suffix = quick ? '.quick.json' : '.json';
    mkdirSync(this.#folder, { recursive: true });
  }

  /** Keeps the figures of a part, in place of earlier ones. */
  keep(name: string, raw: unknown): void {
    const kept: Kept = { day: new Date().toISOString().slice(0, 10), machine: this.#describe(), raw };
    writeFileSync(this.#fileOf(name), JSON.stringify(kept));
  }

  /** Reads the figures of a part that were kept last; null if there are none. */
  read(name: string): Kept | null {
    const file = this.#fileOf(name);
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
  }

  #fileOf(name: string): string {
    return join(this.#folder, name + this.#suffix);
  }
}
