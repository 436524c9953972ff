// What a kind of attack is, and how what became of it is counted. For main.ts and each file in kinds/.
import type { World } from './world.ts';

/**
 * One kind of attack. To add one: a file in kinds/ that exports it, and a line in kinds/index.ts. Write it against what
 * must be, as somebody would who wants in; it need not know how the parts keep them out.
 */
export interface Kind {
  /** In the table: the attack, in a few words. */
  readonly name: string;
  /** What whoever got through would have. */
  readonly why: string;
  /** What counts as having got through. */
  readonly through: string;
  /** Tries it. Bounded in count and time; what it starts and opens, it ends. */
  run(world: World, tally: Tally): Promise<void>;
}

const KEPT_EXAMPLES = 8;

/** Counts the attempts of one kind. */
export class Tally {
  attempts = 0;
  through = 0;
  /** The first ones that got through, in words. */
  readonly examples: string[] = [];

  /** One attempt. `gotIn` is what one sees when it got through; `what` names it then. */
  attempt(what: string, gotIn: boolean): void {
    this.attempts += 1;
    if (!gotIn) return;
    this.through += 1;
    if (this.examples.length < KEPT_EXAMPLES) this.examples.push(what.slice(0, 200));
  }
}
