// Runs every stack once in each round, so that a busy minute of the machine slows all stacks and not only one.

/** The figures of each stack, one entry a round. */
export type Rounds<Name extends string, Figures> = Readonly<Record<Name, readonly Figures[]>>;

/**
 * Runs `measure` for every stack in every round. An error ends the run: half a comparison says nothing.
 *
 * @param names of the stacks
 * @param measure measures one stack once
 */
export async function inRounds<Name extends string, Figures>(
  names: readonly Name[],
  rounds: number,
  log: (line: string) => void,
  measure: (name: Name, round: number) => Promise<Figures>,
): Promise<Rounds<Name, Figures>> {
  const all = Object.fromEntries(names.map((name) => [name, [] as Figures[]])) as Record<Name, Figures[]>;
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      log(`round ${round} of ${rounds}: ${name}`);
      all[name].push(await measure(name, round));
    }
  }
  return all;
}
