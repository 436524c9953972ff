/** Lets a few through in each turn of the event loop. It serves those who would otherwise come as a crowd. */
export class Turnstile {
  readonly #perTurn: number;
  readonly #queue: (() => void)[] = [];
  #isTurning = false;

  /** @param perTurn how many may pass in one turn */
  constructor(perTurn: number) {
    this.#perTurn = perTurn;
  }

  /** Resolves in one of the next turns, in the order of asking. */
  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push(resolve);
      if (this.#isTurning) return;
      this.#isTurning = true;
      setImmediate(this.#turn);
    });
  }

  readonly #turn = (): void => {
    for (const go of this.#queue.splice(0, this.#perTurn)) go();
    if (this.#queue.length > 0) setImmediate(this.#turn);
    else this.#isTurning = false;
  };
}
