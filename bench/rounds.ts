// Every stack in turn within a round, so that all meet the same machine.

/** What each stack gave, one entry a round. */
export type Rounds<Name extends string, Figures> = Readonly<Record<Name, readonly Figures[]>>;

/** @param turn one stack's turn; a turn that fails ends the run, for half a comparison says nothing */
export async function inRounds<Name extends string, Figures>(
  names: readonly Name[],
  rounds: number,
  log: (line: string) => void,
  turn: (name: Name, round: number) => Promise<Figures>,
): Promise<Rounds<Name, Figures>> {
  const all = Object.fromEntries(names.map((name) => [name, [] as Figures[]])) as Record<Name, Figures[]>;
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      log(`round ${round} of ${rounds}: ${name}`);
      all[name].push(await turn(name, round));
    }
  }
  return all;
}
