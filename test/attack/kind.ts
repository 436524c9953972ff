// A kind of attack, and how its attempts are counted. For main.ts and each file in kinds/.
import type { World } from './world.ts';

/**
 * One kind of attack. To add one, write a file in kinds/ that exports it, and add a line to kinds/index.ts. Test what must
 * hold from the outside, as an attacker sees it, not how the code defends itself.
 */
export interface Kind {
  /** The attack in a few words, for the table. */
  readonly name: string;
  /** What an attacker would gain. */
  readonly why: string;
  /** What counts as a success of the attacker. */
  readonly success: string;
  /** Makes the attempts. Bounded in count and time; ends everything that it starts or opens. */
  run(world: World, tally: Tally): Promise<void>;
}

const KEPT_EXAMPLES = 8;

/** Counts the attempts of one kind. */
export class Tally {
  attempts = 0;
  /** How many attempts succeeded. */
  through = 0;
  /** Descriptions of the first attempts that succeeded. */
  readonly examples: string[] = [];

  /** Counts one attempt. `what` describes it. */
  attempt(what: string, hasSucceeded: boolean): void {
    this.attempts += 1;
    if (!hasSucceeded) return;
    this.through += 1;
    if (this.examples.length < KEPT_EXAMPLES) this.examples.push(what.slice(0, 200));
  }
}
